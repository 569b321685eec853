"""What is wrong with a corpus and not with a line is an error, at any share; what only looks so is quiet."""

import random
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from nmtk.data.doctor.findings import Finding
from nmtk.recipe.doctor import diagnose, files_case
from nmtk.recipe.phrases.sentences import split
from tests.recipe.test_doctor import Pairs, write

SOUND: Pairs = list(split(3000, 1).train)
WHOLE = ("swapped", "language", "identical", "shifted", "not aligned")


def found(folder: Path, pairs: Pairs) -> list[Finding]:
    """The findings that tell of a corpus, of any severity."""
    with files_case(write(folder, "train", pairs), []) as case:
        [text] = diagnose(case)
    return [finding for finding in text.findings if finding.fault in WHOLE]


def some(share: float, change: Callable[[int], tuple[str, str]]) -> Pairs:
    """The sound corpus, with a share of its pairs, anywhere, changed."""
    rng = random.Random(1)
    return [change(at) if rng.random() < share else pair for at, pair in enumerate(SOUND)]


@pytest.mark.parametrize("share", [0.1, 0.33, 0.5, 0.67, 0.9])
def test_swapped_pairs_are_found_however_many_they_are(share: float, tmp_path: Path) -> None:
    """Of which there are more is right; where it is not plain, that is said."""
    finding, *_ = found(tmp_path, some(share, lambda at: SOUND[at][::-1]))
    few = min(share, 1 - share)
    assert (finding.fault, str(finding.severity)) == ("swapped", "error")
    assert 0.5 * few < finding.share < 1.1 * few
    assert finding.mend.startswith("about as many are one way as the other") is (share == 0.5)


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("share", [0.25, 0.33, 0.6])
@pytest.mark.parametrize("other", [0, 7])
def test_untranslated_sides_are_found_however_many_they_are(
    share: float, side: int, other: int, tmp_path: Path
) -> None:
    """Whether they are the other side, or a different text in its language."""

    def untranslated(at: int) -> tuple[str, str]:
        text = SOUND[(at + other) % len(SOUND)][1 - side]
        return (SOUND[at][0], text) if side else (text, SOUND[at][1])

    findings = found(tmp_path, some(share, untranslated))
    finding = next(one for one in findings if one.fault == "language")
    assert str(finding.severity) == "error"
    assert 0.5 * share < finding.share < 1.1 * share
    assert ("target" if side else "source") in finding.says
    assert "swapped" not in {one.fault for one in findings}


SHIFTS: dict[str, Callable[[list[str]], list[str]]] = {
    "lost": lambda texts: [*texts[:1000], *texts[1001:], texts[1000]],
    "put in": lambda texts: [*texts[:1000], "etwas", *texts[1000:-1]],
    "three lost": lambda texts: [*texts[:1000], *texts[1003:], *texts[1000:1003]],
    "within": lambda texts: [*texts[:1000], *texts[1001:2000], texts[1000], *texts[2000:]],
}


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_shift_is_found_near_where_it_begins_though_counts_are_equal(shift: str, tmp_path: Path) -> None:
    sources, targets = map(list, zip(*SOUND, strict=True))
    pairs = list(zip(sources, SHIFTS[shift](targets), strict=True))
    [finding] = found(tmp_path, pairs)
    assert (finding.fault, str(finding.severity)) == ("shifted", "error")
    assert abs(finding.examples[0].line - 1001) <= 3
    wanted = 1000 if shift == "within" else len(SOUND) - 1000
    assert abs(finding.times - wanted) <= 6


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("at", [0, 500, 940])
def test_it_is_said_which_side_lacks_a_line_and_from_where(at: int, lost: bool, side: int, tmp_path: Path) -> None:
    sides = [[pair[number] for pair in SOUND[:1000]] for number in (0, 1)]
    if lost:
        del sides[side][at]
    else:
        sides[side].insert(at, SOUND[2000][side])
    [finding] = found(tmp_path, list(zip(*sides, strict=False)))
    lacks_source = lost is (side == 0)
    assert finding.says.endswith("1 line above" if lacks_source else "1 line below")
    assert f"the {'source' if lacks_source else 'target'} lacks 1 line" in finding.mend
    assert abs(finding.examples[0].line - at - 1) <= 2
    assert abs(finding.times - (1000 - at)) <= 4
    _, line, text = finding.examples[1]
    line += -1 if lacks_source else 1
    assert text.endswith(f"train.en:{line}: {sides[0][line - 1]}")


@pytest.mark.parametrize("length", [12, 40, 250])
def test_a_shift_that_ends_again_is_found_though_it_is_short(length: int, tmp_path: Path) -> None:
    sources, targets = map(list, zip(*SOUND, strict=True))
    targets[1500 : 1500 + length] = [*targets[1501 : 1500 + length], targets[1500]]
    [finding] = found(tmp_path, list(zip(sources, targets, strict=True)))
    assert (finding.fault, str(finding.severity)) == ("shifted", "error")
    assert abs(finding.examples[0].line - 1501) <= 2
    assert abs(finding.times - length) <= 4


def han(text: str) -> str:
    """A text of a Chinese character for each word, always the same ones, without spaces."""
    return "".join(
        chr(0x4E00 + zlib.crc32((word * 2).encode()) % 3000) for word in text.lower().split() if len(word) > 2
    )


@pytest.mark.parametrize("swapped", [20, 60])
@pytest.mark.parametrize("where", ["together", "anywhere"])
def test_pairs_beside_swapped_ones_are_not_taken_for_shuffled(swapped: int, where: str, tmp_path: Path) -> None:
    pairs = [(source, han(source)) for source, _ in SOUND[: 236 + swapped]]
    turned = range(236, 236 + swapped) if where == "together" else random.Random(1).sample(range(len(pairs)), swapped)
    for at in turned:
        pairs[at] = pairs[at][::-1]
    assert {one.fault for one in found(tmp_path, pairs)} <= {"swapped", "language"}


def test_languages_that_are_mixed_are_not_taken_for_shuffled(tmp_path: Path) -> None:
    mixed = [(source, target if at % 2 else han(source)) for at, (source, target) in enumerate(SOUND)]
    assert found(tmp_path, mixed) == []


def test_shuffled_targets_are_found(tmp_path: Path) -> None:
    sources, targets = map(list, zip(*SOUND, strict=True))
    random.Random(1).shuffle(targets)
    [finding] = found(tmp_path, list(zip(sources, targets, strict=True)))
    assert (finding.fault, str(finding.severity), finding.share) == ("not aligned", "error", 1.0)


def test_a_text_beside_itself_is_an_error(tmp_path: Path) -> None:
    half = [
        (source, source) if at % 2 else pair for at, (pair, (source, _)) in enumerate(zip(SOUND, SOUND, strict=True))
    ]
    for pairs in ([(source, source) for source, _ in SOUND], half):
        finding = next(one for one in found(tmp_path, pairs) if one.fault == "identical")
        assert str(finding.severity) == "error"


def quiet() -> dict[str, Pairs]:
    rng = random.Random(1)
    words = sorted({word for source, _ in SOUND for word in source.split()})
    glossary = [(rng.choice(words), rng.choice(words).upper()) for _ in range(1000)]
    numbers = [(f"item {at:09}", f"Posten {at:09}") for at in range(1000)]
    catalogue = [f"No {rng.randrange(10**6)} {'x' * rng.randrange(60)}" for _ in range(1000)]
    other = [f"Nr {line.split()[1]} {'y' * rng.randrange(60)}" for line in catalogue]
    return {
        "as it is": SOUND,
        "sorted by length": sorted(SOUND, key=lambda pair: len(pair[0])),
        "a glossary": glossary,
        "one length": numbers,
        "names on both sides": list(zip(catalogue, other, strict=True)),
        "blank lines": [(" ", "")] * 1000,
        "garbage in some lines": [("x" * 900, ".") if at % 50 == 0 else pair for at, pair in enumerate(SOUND)],
    }


@pytest.mark.parametrize("name", quiet())
def test_what_only_looks_so_is_quiet(name: str, tmp_path: Path) -> None:
    assert found(tmp_path, quiet()[name]) == []


def test_two_texts_of_one_language_are_not_taken_for_two_languages(tmp_path: Path) -> None:
    moved = [(SOUND[at][0], SOUND[at - 1][0]) for at in range(len(SOUND))]
    assert {one.fault for one in found(tmp_path, moved)} == {"shifted"}


UNFINISHED: dict[str, Callable[[str], str]] = {
    "pieces @@": lambda text: text.replace("en ", "@@ en "),
    "pieces ▁": lambda text: "▁" + text.replace(" ", " ▁"),
    "pieces ##": lambda text: text.replace("en ", " ##en "),
    "pieces ￭": lambda text: text.replace(".", " ￭."),
    "tokenised": lambda text: text.replace(".", " ."),
    "lower case": str.lower,
}


@pytest.mark.parametrize("share", [0.1, 1.0])
@pytest.mark.parametrize("fault", UNFINISHED)
def test_text_made_ready_for_another_system_is_told_of(fault: str, share: float, tmp_path: Path) -> None:
    """Never as an error: it may be meant."""
    pairs = some(share, lambda at: (SOUND[at][0], UNFINISHED[fault](SOUND[at][1])))
    changed = sum(pair != sound for pair, sound in zip(pairs, SOUND, strict=True))
    with files_case(write(tmp_path, "train", pairs), []) as case:
        [text] = diagnose(case)
    [finding] = [one for one in text.findings if one.fault in UNFINISHED]
    assert finding.fault == fault
    assert str(finding.severity) == ("warning" if "pieces" in fault else "note")
    assert "target" in finding.says
    assert 0.5 * changed < finding.times <= changed


@pytest.mark.parametrize("side", [0, 1])
def test_lines_of_a_third_language_are_told_of(side: int, tmp_path: Path) -> None:
    french = [
        f"{who} {does} {what} dans {where} avec {whom}."
        for who in ("Un homme", "Une femme", "Le garçon", "La fille")
        for does in ("regarde", "porte", "achète", "mange")
        for what in ("une pomme", "du pain", "des fleurs", "le livre")
        for where in ("la rue", "un parc", "le jardin", "une maison")
        for whom in ("son ami", "sa mère", "des enfants", "un chien")
    ]

    def foreign(at: int) -> tuple[str, str]:
        text = french[at % len(french)]
        return (SOUND[at][0], text) if side else (text, SOUND[at][1])

    pairs = some(0.1, foreign)
    changed = sum(pair != sound for pair, sound in zip(pairs, SOUND, strict=True))
    with files_case(write(tmp_path, "train", pairs), []) as case:
        [text] = diagnose(case)
    [finding] = [one for one in text.findings if one.fault == "mixed languages"]
    assert ("target" if side else "source") in finding.says
    assert 0.9 * changed < finding.times <= changed
