"""CTranslate2 in the place of nmtk's own search: the same model, exported once for each machine, in C++ and faster.

Only the search is its own; a beam ends when it is full, for `stop: best` too. Text, batches and what comes of them stay
nmtk's, and so does every sentence that CTranslate2 has no answer for: one with a prefix, with required or forbidden
phrases, one longer than the positions that were exported, one whose translation goes round in circles, which the loop
guard would have stopped, and one that comes to its longest length: CTranslate2 knows but one of a batch, and what is
cut must not depend on who else is in it.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch

from nmtk.bundle import Bundle, weights
from nmtk.decoding.guard import looped
from nmtk.decoding.hypotheses import Hypothesis
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.penalties import NoPenalty
from nmtk.decoding.sentences import Sentence
from nmtk.decoding.strategies import Beam, Greedy
from nmtk.decoding.translator import Translator
from nmtk.errors import ModelError, NmtkError, OptionsError
from nmtk.files import atomic_folder, cache_folder
from nmtk.interop.ctranslate2 import POSITIONS, export, load, names

NEAR = 1e-3
"""How far a token's log-probability may be from nmtk's, both in float32: rounding moves it by some 1e-5."""

SCORED = 1024
"""Tokens that are scored at once: each has a row of the whole vocabulary's logits, which is what bounds the memory."""

KEPT = 8
"""Models that stay in the cache, those that were used last."""

NO_PENALTY = 1e-9
"""In place of an exponent of nought, with which CTranslate2 stops before as many hypotheses as the beam is wide."""


class CTranslate2(NamedTuple):
    """`--engine ctranslate2`: what the model is computed in."""

    precision: str = "auto"
    quiet: bool = True
    """Whether nothing is said on standard error while the model is exported."""

    @property
    def compute_type(self) -> str:
        """CTranslate2's name for it. Raises OptionsError where this machine does not have it."""
        wanted, here = self.precision.replace("auto", "float32"), load().get_supported_compute_types("cpu")
        if wanted not in here:
            found = f"--precision {wanted}: ctranslate2 has no such arithmetic on this CPU"
            raise OptionsError(f"{found}: wanted {' or '.join(sorted(here & {'float32', 'int8', 'bfloat16'}))}")
        return wanted

    @contextmanager
    def crew(self, translator: Translator, size: int, threads: int) -> "Iterator[Threads]":
        """Whom the translator's batches are given to, so many at a time with so many threads for each.

        Raises OptionsError for what CTranslate2 cannot do, ModelError when it does not give what nmtk does.
        """
        bundle = translator.bundle
        if not isinstance(bundle, Bundle):
            raise OptionsError("--engine ctranslate2: it knows no ensembles: wanted one --model")
        refuse(translator.options)
        compute_type = self.compute_type
        model = open_model(exported(bundle, self.quiet), compute_type, size, threads)
        pool = ThreadPoolExecutor(size)
        try:
            yield Threads(Searcher(model, translator), size, pool)
        finally:
            pool.shutdown(cancel_futures=True)


class Threads(NamedTuple):
    """A crew of this process' own threads, which wait while CTranslate2 searches."""

    search: "Searcher"
    size: int
    pool: ThreadPoolExecutor

    @property
    def started(self) -> bool:
        """Always: the shortest text is theirs too."""
        return True

    def submit(self, batch: Sequence[Sentence], best: int) -> Callable[[], list[list[Hypothesis]]]:
        """Have a batch translated; what is returned waits for the result."""
        return self.pool.submit(self.search, batch, best).result


class Searcher:
    """Translates batches as the translator's options say: a `Worker`.

    One thing differs from nmtk's search. Pieces that may not be said are taken out before probabilities are summed to
    one, not after: hypotheses are compared by numbers that are larger by about a thousandth, though what is reported is
    the model's own.
    """

    def __init__(self, model: Any, translator: Translator):
        self.model, self.translator, self.options = model, translator, translator.options
        strategy, specials = translator.options.strategy, translator.specials
        assert isinstance(strategy, Greedy | Beam)
        self.width, self.penalty = strategy.width, strategy.penalty
        self.exponent = NO_PENALTY if isinstance(self.penalty, NoPenalty) else self.penalty.alpha or NO_PENALTY
        self.eos = specials.eos
        self.never = [names([i]) for i in specials.never if i != specials.eos]

    def __call__(self, batch: Sequence[Sentence], best: int) -> list[list[Hypothesis]]:
        """For each sentence its best hypotheses, so many."""
        found: dict[int, list[Hypothesis]] = {}
        if own := [place for place, sentence in enumerate(batch) if self._can(sentence)]:
            searched = zip(own, self._search([batch[place] for place in own], best), strict=True)
            found = {place: some for place, some in searched if some and not self._loops(some, batch[place])}
        left = [place for place in range(len(batch)) if place not in found]
        if left:
            found |= dict(zip(left, self.translator.decide([batch[place] for place in left], best), strict=True))
        return [found[place] for place in range(len(batch))]

    def _can(self, sentence: Sentence) -> bool:
        asked = sentence.prefix or sentence.begun or sentence.required or sentence.forbidden
        longest = max(len(sentence.pieces) + 1, self.options.limit(len(sentence.pieces)))
        return not asked and longest <= (self.translator.bundle.model.longest or POSITIONS)

    def _loops(self, found: Sequence[Hypothesis], sentence: Sentence) -> bool:
        return self.options.loop_guard and any(looped(one.ids, sentence) for one in found)

    def _search(self, batch: Sequence[Sentence], best: int) -> list[list[Hypothesis]]:
        """The best hypotheses of each sentence; none of one whose search came to the sentence's longest length.

        The last that finished is among the results, so that they tell how far it came.
        """
        sources = [names([*one.pieces, self.translator.bundle.vocabularies.source.eos]) for one in batch]
        limits = [self.options.limit(len(one.pieces)) for one in batch]
        most = max(1, max(limits) - 1)  # </s> comes on top
        results = self.model.translate_batch(
            sources,
            beam_size=self.width,
            num_hypotheses=self.width,
            length_penalty=self.exponent,
            min_decoding_length=min(self.options.min_length, most),
            max_decoding_length=most,
            max_input_length=0,
            no_repeat_ngram_size=self.options.no_repeat_ngram,
            suppress_sequences=self.never,
            return_scores=True,
        )
        chosen = [
            self._best(one.hypotheses, one.scores, best) if max(map(len, one.hypotheses)) < limit - 2 else []
            for one, limit in zip(results, limits, strict=True)
        ]
        pairs = [(source, names(ids)) for source, some in zip(sources, chosen, strict=True) for ids in some]
        scored = iter(score(self.model, pairs))
        return [
            sorted((self._hypothesis(ids, next(scored)) for ids in some), key=lambda one: -one.score) for some in chosen
        ]

    def _best(self, hypotheses: Sequence[Sequence[str]], scores: Sequence[float], best: int) -> list[list[int]]:
        """The ids of the best, by nmtk's penalty: CTranslate2 has but one, and ranks by that what is enough for all."""
        ranks: dict[tuple[int, ...], float] = {}
        for pieces, figure in zip(hypotheses, scores, strict=True):
            length = len(pieces) + 1
            rank = figure * length**self.exponent / self.penalty.divisor(length)
            ranks.setdefault(tuple(map(int, pieces)), rank)
        return [list(ids) for ids in sorted(ranks, key=lambda ids: -ranks[ids])[:best]]

    def _hypothesis(self, ids: list[int], logps: Sequence[float]) -> Hypothesis:
        logp = sum(logps)
        return Hypothesis(ids, logp / self.penalty.divisor(len(logps)), logp, list(logps))


def score(model: Any, pairs: Sequence[tuple[list[str], list[str]]]) -> list[list[float]]:
    """The log-probability of each target piece and of `</s>`, of pairs of a source with its `</s>` and a target."""
    sources, targets = [source for source, _ in pairs], [target for _, target in pairs]
    found = model.score_batch(sources, targets, max_batch_size=SCORED, batch_type="tokens", max_input_length=0)
    return [result.log_probs for result in found]


def refuse(options: DecodingOptions) -> None:
    """Raise OptionsError, which names the option, for a way to translate that CTranslate2 does not have."""
    strategy = options.strategy
    if not isinstance(strategy, Greedy | Beam):
        raise OptionsError(f"--engine ctranslate2: found --decode {strategy.kind}, wanted greedy or beam")
    if strategy.stop == "exact":
        raise OptionsError("--engine ctranslate2: found --stop exact, wanted full, or best, which is full here")
    for name, nothing in (("repetition_penalty", 1.0), ("min_ratio", 0.0)):
        if (found := getattr(options, name)) != nothing:
            flag = name.replace("_", "-")
            raise OptionsError(f"--engine ctranslate2: found --{flag} {found:g}, wanted {nothing:g}, or --engine nmtk")


def exported(bundle: Bundle, quiet: bool = True) -> Path:
    """The model in CTranslate2's format, from the user's cache: made if it is not there, and then found to agree.

    Raises ModelError when it does not.
    """
    cache = cache_folder("ctranslate2")
    folder = cache / _digest(bundle)
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NmtkError(f"{cache}: cannot be made: {error.strerror}: name another place in NMTK_CACHE") from None
    with (cache / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several processes that begin at once, one makes it
        if not folder.is_dir():
            if not quiet:
                sys.stderr.write(f"nmtk: exporting the model for ctranslate2, this once, to {folder}\n")
            with atomic_folder(folder) as beside:
                export(bundle, beside)
                check(bundle, beside)
        os.utime(folder)
        used = sorted((path for path in cache.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
        for old in used[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def check(bundle: Bundle, folder: Path) -> None:
    """Raise ModelError unless the exported model finds a few translations as probable as nmtk does, token by token.

    The sources are pieces at random, the translations nmtk's own.
    """
    count = len(bundle.vocabularies.source)
    drawn = torch.randint(count, (4, 24), generator=torch.Generator().manual_seed(1)).tolist()
    room = (bundle.model.longest or POSITIONS) - 1  # for </s>
    sentences = [Sentence(ids[: min(size, room)]) for ids, size in zip(drawn, (1, 5, 12, 24), strict=True)]
    options = DecodingOptions(strategy=Greedy(), max_ratio=1.0, max_extra=8, loop_guard=False, unknown=True)
    ours = [one for [one] in Translator(bundle, options).search(sentences)]
    eos = bundle.vocabularies.source.eos
    pairs = [(names([*one.pieces, eos]), names(found.ids)) for one, found in zip(sentences, ours, strict=True)]
    theirs = score(open_model(folder, "float32"), pairs)
    apart = [
        abs(a - b) for one, other in zip(ours, theirs, strict=True) for a, b in zip(one.token_logps, other, strict=True)
    ]
    if not all(distance <= NEAR for distance in apart):
        found = f"log-probabilities differ from nmtk's by up to {max(apart):.2g}, wanted {NEAR:g} at most"
        raise ModelError(f"the model exported to ctranslate2: {found}: use --engine nmtk")


def open_model(folder: Path, compute_type: str, size: int = 1, threads: int = 1) -> Any:
    """A `ctranslate2.Translator` of so many batches at a time, with so many threads for each."""
    try:
        return load().Translator(str(folder), compute_type=compute_type, inter_threads=size, intra_threads=threads)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{folder}: cannot be loaded ({error}): delete it, and it is made anew") from None


def _digest(bundle: Bundle) -> str:
    """What the exported model is known by: all that it is made of, and what it is made for."""
    options = bundle.model.options.document()
    known = [load().__version__, bundle.vocabularies.digest, POSITIONS, options]
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    for name, value in sorted(weights(bundle.model).items()):
        digest.update(name.encode())
        digest.update(value.numpy().data)
    return digest.hexdigest()[:32]
