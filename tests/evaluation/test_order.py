import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from nmtk.evaluation.metrics import evaluate
from nmtk.evaluation.order import disorder
from nmtk.lines import read_lines

NAMES = ["Anna", "Boris", "Clara", "Dieter", "Emma", "Fritz", "Greta", "Hans"]
TOWNS = ["Aachen", "Berlin", "Celle", "Dresden", "Essen", "Fulda", "Gera", "Halle"]
GOODS = ["Äpfel", "Birnen", "Datteln", "Erbsen", "Feigen", "Gurken", "Hirse", "Honig"]
JOURNEYS = [*zip(NAMES, TOWNS, strict=True), *zip(GOODS, map(str, range(51, 59)), strict=True)]
REFERENCE = [f"Am Montag kommt {one} mit dem Zug nach {other}." for one, other in JOURNEYS]
HYPOTHESES = [f"{one} nimmt Montag eine Bahn bis {other}." for one, other in JOURNEYS]


def shuffled(lines: Sequence[str]) -> list[str]:
    return random.Random(1).sample(lines, len(lines))


def damaged(lines: Sequence[str], share: float) -> list[str]:
    """So many of the words are others of the same text."""
    drawn = random.Random(2)
    words = [word for line in lines for word in line.split()]
    return [
        " ".join(drawn.choice(words) if drawn.random() < share else word for word in line.split()) for line in lines
    ]


def chinese(lines: Sequence[str]) -> list[str]:
    """Each word becomes one to three characters, always the same, and no blank stands between them."""

    def characters(word: str) -> str:
        drawn = random.Random(word)
        return "".join(chr(0x4E00 + int(2000 * drawn.random() ** 2)) for _ in range(1 + len(word) // 5))

    return ["".join(map(characters, line.split())) + "。" for line in lines]


def test_lines_in_their_order_are_not_suspect() -> None:
    assert list(disorder(HYPOTHESES, [REFERENCE])) == []
    assert list(disorder(["Das ist ein Satz."] * 16, [REFERENCE])) == []
    assert list(disorder(HYPOTHESES[::-1], [REFERENCE, REFERENCE[::-1]])) == []  # right by one of the references
    assert list(disorder(HYPOTHESES[1:6] + HYPOTHESES[:1], [REFERENCE[:6]])) == []  # too few to tell


def test_a_line_that_is_missing_or_too_many_is_found() -> None:
    assert list(disorder([*HYPOTHESES[1:], ""], [REFERENCE])) == [
        "about lines 1 to 15 of the hypotheses match the references 1 line later: before them, 1 line may be missing"
    ]
    [found] = disorder(["", "", *HYPOTHESES[:-2]], [REFERENCE, REFERENCE])
    assert found.startswith("about lines 3 to 16 of the hypotheses match the references 2 lines earlier: ")
    assert found.endswith("before them, 2 lines may be too many")
    [found] = disorder([*HYPOTHESES[:3], *HYPOTHESES[4:], ""], [REFERENCE])
    assert found.startswith("about lines 4 to 15 of the hypotheses match the references 1 line later")


def test_another_order_is_found() -> None:
    [found] = disorder(shuffled(HYPOTHESES), [REFERENCE])
    assert found.startswith("of 16 hypotheses that share rare words with a reference, ")
    assert found.endswith(" do with their own: are they in the order of the references?")


def test_lines_that_are_swapped_in_twos_or_halves_are_in_another_order() -> None:
    twos = [HYPOTHESES[number ^ 1] for number in range(16)]
    for mixed in (twos, HYPOTHESES[8:] + HYPOTHESES[:8]):
        [found] = disorder(mixed, [REFERENCE])
        assert found.endswith(" do with their own: are they in the order of the references?")


@pytest.mark.parametrize("write", [list, chinese])
@pytest.mark.parametrize(
    "file", ["newstest2017-en-de/ref.sacrebleu.de.gz", "multi30k/test_2016_flickr.de.gz", "tatoeba-de-en/valid.de.gz"]
)
def test_bad_translations_are_not_taken_for_others(
    file: str, write: Callable[[Sequence[str]], list[str]], corpora: Path
) -> None:
    if not (corpora / file).is_file():
        pytest.skip(f"no {file} among the corpora")
    reference = list(read_lines(corpora / file))
    for share in (0.5, 0.7, 0.9):
        bad = damaged(reference, share)
        for size in (5, 20, 60, 200, len(reference)):
            assert list(disorder(write(bad[:size]), [write(reference[:size])])) == [], (share, size)
    half = len(reference) // 2
    assert list(disorder(write(reference[:half]), [write(reference[half : 2 * half])])) == []  # nor quite other text


@pytest.mark.parametrize("write", [list, chinese])
@pytest.mark.parametrize("system", ["uedin-nmt.4722", "online-F.0", "damaged"])
def test_disorder_of_real_translations_is_found_and_short_parts_in_order_are_not(
    system: str, write: Callable[[Sequence[str]], list[str]], corpora: Path
) -> None:
    folder = corpora / "newstest2017-en-de"
    if not folder.is_dir():
        pytest.skip("no newstest2017-en-de among the corpora")
    reference = list(read_lines(folder / "ref.sacrebleu.de.gz"))
    if system == "damaged":
        lines = damaged(reference, 0.7)
        assert evaluate(lines, [reference], ["bleu"])[0].score < 10
    else:
        lines = list(read_lines(folder / "systems" / f"newstest2017.{system}.en-de.gz"))
    lines, reference = write(lines), write(reference)
    assert list(disorder(lines, [reference])) == []
    for start in range(0, 3000, 60):
        assert list(disorder(lines[start : start + 60], [reference[start : start + 60]])) == [], start
    [found] = disorder([*lines[:1000], *lines[1001:], ""], [reference])
    assert found.startswith("about lines 1,0")
    assert "1 line later" in found
    [found] = disorder(shuffled(lines), [reference])
    assert "are they in the order of the references?" in found
