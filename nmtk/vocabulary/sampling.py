"""Sampled segmentations: the same sentence cut differently each time it is seen in training.

SentencePiece can sample too, but its generator belongs to a thread and cannot be saved, so a resumed run would see
other cuts than an unbroken one. Here every draw comes from the caller's numpy generator.
"""

import math
import re
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nmtk.vocabulary.proto import NORMAL, UNKNOWN, UNUSED, USER_DEFINED, Proto

SPACE = "\u2581"
"""SentencePiece's mark for a space."""

_CACHED_WORDS = 1 << 16
_UNKNOWN_PENALTY = 10.0  # SentencePiece's own: an unknown character scores this much below the worst piece


def check_sampling(kind: str, alpha: float) -> None:
    """Raise ValueError where a vocabulary of this kind cannot be sampled with this alpha."""
    if kind not in ("unigram", "bpe"):
        raise ValueError(
            f"training.sampling: a vocabulary of kind {kind} cuts a text in one way only: wanted unigram or bpe, or no "
            f"sampling"
        )
    if kind == "bpe" and alpha >= 1:
        raise ValueError(
            f"training.sampling.alpha: found {alpha:g}, wanted less than 1: with a vocabulary of kind bpe it is the "
            f"share of merges left out, and without any merge there are characters only"
        )


class Node(NamedTuple):
    """One position of a word's lattice: the pieces that end here, with running sums of their probabilities."""

    sums: list[float]
    starts: list[int]


class Sampler(ABC):
    """Base of the samplers: cuts normalised text into words, and spells out what no piece covers.

    A word is sampled on its own, and what was worked out for it is kept: exact, because no piece reaches over
    a space. Where pieces do, the whole text is one word.
    """

    def __init__(self, proto: Proto) -> None:
        self.ids = {piece.text: i for i, piece in enumerate(proto.pieces) if piece.role == NORMAL}
        self.scores = {piece.text: piece.score for piece in proto.pieces if piece.role == NORMAL}
        self.symbols = {piece.text: i for i, piece in enumerate(proto.pieces) if piece.role == USER_DEFINED}
        self.unused = {piece.text: piece.score for piece in proto.pieces if piece.role == UNUSED}
        self.unk = next(i for i, piece in enumerate(proto.pieces) if piece.role == UNKNOWN)
        place = {piece.text: i for i, piece in enumerate(proto.pieces)}
        self.bytes = [place[f"<0x{byte:02X}>"] for byte in range(256)] if proto.byte_fallback else None
        self.longest = max(map(len, self.ids), default=1)
        longest_first = sorted(self.symbols, key=len, reverse=True)
        self.symbol_pattern = re.compile(f"({'|'.join(map(re.escape, longest_first))})") if longest_first else None
        reaches_over = any(SPACE in piece.lstrip(SPACE) for piece in (*self.ids, *self.unused))
        self.word_pattern = re.compile(r"(?s).+" if reaches_over else f"{SPACE}*[^{SPACE}]+|{SPACE}+")

    def sample(self, normalised: str, alpha: float, rng: np.random.Generator) -> list[int]:
        """The ids of one sampled segmentation of a normalised text."""
        draws = _draws(rng, len(normalised) + 1)
        ids: list[int] = []
        parts = self.symbol_pattern.split(normalised) if self.symbol_pattern else [normalised]
        for part in parts:
            if part in self.symbols:
                ids.append(self.symbols[part])
                continue
            for word in self.word_pattern.findall(part):
                for piece in self.cut(word, alpha, draws):
                    self._spell(piece, ids)
        return ids

    @abstractmethod
    def cut(self, word: str, alpha: float, draws: Iterator[float]) -> list[str]:
        """One sampled segmentation of a word."""

    def _spell(self, piece: str, ids: list[int]) -> None:
        if piece in self.ids:
            ids.append(self.ids[piece])
        elif self.bytes:
            ids.extend(self.bytes[byte] for byte in piece.encode("utf-8"))
        elif not ids or ids[-1] != self.unk:  # a run of unknown characters is one <unk>
            ids.append(self.unk)


class UnigramSampler(Sampler):
    """Subword regularisation over all segmentations x, p(x) ** alpha (Kudo 2018, section 3.2, with l = infinity).

    Forward sums over the word's lattice, then a walk backwards that draws each piece. alpha 0 makes all
    segmentations alike; large alpha leaves the best one only.
    """

    def __init__(self, proto: Proto) -> None:
        super().__init__(proto)
        self.unknown_score = min(self.scores.values(), default=0.0) - _UNKNOWN_PENALTY
        self.lattice = lru_cache(_CACHED_WORDS)(self._lattice)

    def cut(self, word: str, alpha: float, draws: Iterator[float]) -> list[str]:
        lattice = self.lattice(word, alpha)
        pieces: list[str] = []
        end = len(word)
        while end:
            sums, starts = lattice[end]
            start = starts[bisect_right(sums, next(draws) * sums[-1], 0, len(sums) - 1)]
            pieces.append(word[start:end])
            end = start
        return pieces[::-1]

    def _lattice(self, word: str, alpha: float) -> list[Node]:
        forward = [0.0]
        nodes = [Node([], [])]
        for end in range(1, len(word) + 1):
            found: list[tuple[float, int]] = []
            for start in range(max(0, end - self.longest), end):
                score = self.scores.get(word[start:end])
                if score is None and start == end - 1:
                    score = self.unknown_score
                if score is not None:
                    found.append((forward[start] + alpha * score, start))
            best = max(score for score, _ in found)
            sums: list[float] = []
            total = 0.0
            for score, _ in found:
                total += math.exp(score - best)
                sums.append(total)
            forward.append(best + math.log(total))
            nodes.append(Node(sums, [start for _, start in found]))
        return nodes


class BpeSampler(Sampler):
    """BPE-dropout (Provilkov et al. 2020, algorithm 1): at each step, every merge is left out with probability alpha.

    Of the merges that stay, the one learned first is done; when none stays, the word is finished. alpha 0 is plain
    BPE, alpha 1 is characters.
    """

    def __init__(self, proto: Proto) -> None:
        super().__init__(proto)
        self.merged = self.scores | self.unused
        self.longest = max(map(len, self.merged), default=1)
        self.spans = lru_cache(_CACHED_WORDS)(self._spans)

    def cut(self, word: str, alpha: float, draws: Iterator[float]) -> list[str]:
        spans = self.spans(word)
        edges = list(range(len(word) + 1))
        middles: dict[tuple[int, int], int] = {}
        while True:
            best, at = -math.inf, -1
            for i in range(len(edges) - 2):
                score = spans.get((edges[i], edges[i + 2]))
                if score is not None and next(draws) >= alpha and score > best:
                    best, at = score, i
            if at < 0:
                break
            middles[edges[at], edges[at + 2]] = edges[at + 1]
            del edges[at + 1]
        if self.unused:
            edges = self._reopen(word, edges, middles)
        return [word[start:end] for start, end in pairwise(edges)]

    def _spans(self, word: str) -> dict[tuple[int, int], float]:
        """Every part of the word that is a piece of two or more characters, with its score."""
        return {
            (start, end): self.merged[word[start:end]]
            for start in range(len(word))
            for end in range(start + 2, min(start + self.longest, len(word)) + 1)
            if word[start:end] in self.merged
        }

    def _reopen(self, word: str, edges: list[int], middles: dict[tuple[int, int], int]) -> list[int]:
        """Undo the merges that led to pieces marked unused: they are steps on the way only."""
        done, waiting = [0], edges[:0:-1]
        while waiting:
            start, end = done[-1], waiting[-1]
            if word[start:end] in self.unused and (start, end) in middles:
                waiting.append(middles[start, end])
            else:
                done.append(waiting.pop())
        return done


def _draws(rng: np.random.Generator, size: int) -> Iterator[float]:
    """Uniform numbers in [0, 1) without end, taken from the generator in blocks."""
    while True:
        yield from rng.random(size).tolist()
