import itertools
import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from nmtk.vocabulary.proto import CONTROL, NORMAL, UNKNOWN, USER_DEFINED, Piece, Proto, _fields, read_proto
from nmtk.vocabulary.sampling import BpeSampler, Sampler, UnigramSampler
from nmtk.vocabulary.vocabulary import Vocabulary

DRAWS = 20_000
SAMPLED = ["t5", "opus-mt", "defaults", "llama", "suffix", "suffix-bpe", "over-spaces", "spaces-kept", "symbols"]


def proto(kind: str, scores: dict[str, float], byte_fallback: bool = False) -> Proto:
    pieces = [Piece("<unk>", 0.0, UNKNOWN), Piece("</s>", 0.0, CONTROL), Piece("<x>", 0.0, USER_DEFINED)]
    pieces += [Piece(text, score, NORMAL) for text, score in scores.items()]
    return Proto(kind, byte_fallback, pieces)  # type: ignore[arg-type]


def frequencies(sampler: Sampler, word: str, alpha: float) -> dict[tuple[str, ...], float]:
    rng = np.random.default_rng(5)
    names = {i: text for text, i in sampler.ids.items()}
    counts = Counter(tuple(names[i] for i in sampler.sample(word, alpha, rng)) for _ in range(DRAWS))
    return {cut: count / DRAWS for cut, count in counts.items()}


def segmentations(word: str) -> Iterator[tuple[str, ...]]:
    for cuts in itertools.product([False, True], repeat=len(word) - 1):
        edges = [0, *(i for i, cut in enumerate(cuts, 1) if cut), len(word)]
        yield tuple(word[start:end] for start, end in itertools.pairwise(edges))


def assert_close(found: dict[tuple[str, ...], float], wanted: dict[tuple[str, ...], float]) -> None:
    assert found.keys() <= wanted.keys()
    for cut, p in wanted.items():
        assert found.get(cut, 0.0) == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) / DRAWS) + 1e-12), cut


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_unigram_samples_by_the_papers_law(alpha: float) -> None:
    """Kudo 2018, section 3.2: p(x) ** alpha over all segmentations, by brute force."""
    scores = {"a": -2.0, "b": -3.0, "c": -2.5, "ab": -2.2, "bc": -4.0, "abc": -6.0, "ca": -3.1, "cab": -5.0}
    weights = {
        cut: math.exp(alpha * sum(scores[piece] for piece in cut))
        for cut in segmentations("abcab")
        if all(piece in scores for piece in cut)
    }
    wanted = {cut: weight / sum(weights.values()) for cut, weight in weights.items()}
    assert_close(frequencies(UnigramSampler(proto("unigram", scores)), "abcab", alpha), wanted)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.6, 1.0])
def test_bpe_dropout_by_the_papers_law(p: float) -> None:
    """Provilkov et al. 2020, algorithm 1, on a word small enough to work out by hand."""
    sampler = BpeSampler(proto("bpe", {"a": -3.0, "b": -4.0, "c": -5.0, "ab": 0.0, "bc": -1.0}))
    wanted = {("ab", "c"): 1 - p, ("a", "bc"): p * (1 - p), ("a", "b", "c"): p * p}
    assert_close(frequencies(sampler, "abc", p), wanted)


@pytest.mark.parametrize("cls", [UnigramSampler, BpeSampler])
def test_what_no_piece_covers_is_spelled_as_sentencepiece_does(cls: type[Sampler]) -> None:
    rng = np.random.default_rng(0)
    plain = cls(proto("any", {"a": -1.0}))
    assert plain.sample("aζξa<x>ζ", 0.1, rng) == [3, 0, 3, 2, 0]
    scores = {"a": -1.0} | {f"<0x{byte:02X}>": 0.0 for byte in range(256)}
    spelling = cls(proto("any", scores, byte_fallback=True))
    assert spelling.sample("aζ", 0.1, rng) == [3, 4 + 0xCE, 4 + 0xB6]


def limit(vocabulary: Vocabulary) -> float:
    """The alpha at which sampling leaves the best segmentation only."""
    return 0.0 if vocabulary.kind == "bpe" else 1e6


@pytest.mark.parametrize("name", [*SAMPLED, "char", "word"])
def test_without_randomness_it_is_sentencepieces_own_segmentation(
    name: str, foreign: dict[str, bytes], text: list[str]
) -> None:
    vocabulary = Vocabulary(foreign[name])
    lines = [*text[:150], "", "漢字 ba😀😀", "ba  le   ▁ <x>münto<xy>", "<unk></s> <0x41>", "ＡＢ ﬁ"]
    assert vocabulary.sample(lines, limit(vocabulary), np.random.default_rng(0)) == vocabulary.encode(lines)


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("alpha", [0.02, 0.1])
def test_a_sample_decodes_to_the_same_text(name: str, alpha: float, foreign: dict[str, bytes], text: list[str]) -> None:
    vocabulary = Vocabulary(foreign[name])
    lines = text[:150]
    sampled = vocabulary.sample(lines, alpha, np.random.default_rng(0))
    assert vocabulary.decode(sampled) == vocabulary.decode(vocabulary.encode(lines))
    assert sampled != vocabulary.encode(lines)


def test_the_generators_state_is_all_that_decides(learned: Vocabulary, text: list[str]) -> None:
    """A resumed run draws what the unbroken one would have drawn, in whatever process and after whatever cache."""
    rng = np.random.default_rng(3)
    learned.sample(text[:300], 0.2, rng)
    state = rng.bit_generator.state
    unbroken = learned.sample(text[300:], 0.2, rng)
    resumed = np.random.default_rng(0)
    resumed.bit_generator.state = state
    assert Vocabulary(learned.model).sample(text[300:], 0.2, resumed) == unbroken
    assert rng.bit_generator.state == resumed.bit_generator.state
    assert learned.sample(text[300:], 0.2, rng) != unbroken


def test_alpha_says_how_diverse(learned: Vocabulary, text: list[str]) -> None:
    """Smaller is more diverse for unigram, larger for BPE; both then need more pieces."""
    pieces = [sum(map(len, learned.sample(text, alpha, np.random.default_rng(0)))) for alpha in (0.05, 0.2, 0.6)]
    assert pieces == sorted(pieces, reverse=learned.kind == "unigram")
    assert len(set(pieces)) == 3


@pytest.mark.parametrize("name", ["defaults", "llama"])
def test_pieces_marked_unused_are_not_sampled(name: str, foreign: dict[str, bytes], text: list[str]) -> None:
    """In BPE they still lead to larger pieces, as in SentencePiece itself."""
    pieces = read_proto(foreign[name]).pieces
    unused = {i for i, p in enumerate(pieces) if p.role == NORMAL and len(p.text) in (2, 3) and i % 3 == 0}
    vocabulary = Vocabulary(mark_unused(foreign[name], unused))
    assert vocabulary.encode(text) != Vocabulary(foreign[name]).encode(text)
    assert vocabulary.sample(text, limit(vocabulary), np.random.default_rng(0)) == vocabulary.encode(text)
    sampled = vocabulary.sample(text, 0.1, np.random.default_rng(0))
    assert unused.isdisjoint(i for row in sampled for i in row)
    assert vocabulary.decode(sampled) == text


def mark_unused(model: bytes, ids: set[int]) -> bytes:
    """The model, with field 3 (the role) of these pieces set to 5 (unused): in protobuf the last value counts."""
    result, place = b"", 0
    for number, value in _fields(model):
        assert isinstance(value, bytes)
        if number == 1:
            value += b"\x18\x05" if place in ids else b""
            place += 1
        size = bytearray()
        length = len(value)
        while length > 0x7F:
            size.append(length & 0x7F | 0x80)
            length >>= 7
        result += bytes([number << 3 | 2, *size, length]) + value
    return result
