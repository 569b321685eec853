"""Laws of the perturbations: what each changes, what it leaves, and that the same seed draws the same."""

import pytest

from nmtk.evaluation.robustness import (
    MOST_CHARACTERS,
    NEIGHBOURS,
    PERTURBATIONS,
    WORDS_PER_TYPO,
    Perturbed,
    drawing,
    is_copied,
    is_short,
    single_words,
)

LINES = [
    "Two dogs run over the wet grass.",
    "A man in an orange hat is staring at something, while a girl with 12 red balloons laughs at him!",
    "No mark at the end",
    "¿Qué hora es?",
    "Die Straße war naß …",
    "x",
    "两只狗在草地上跑。",
]


def perturbed(kind: str, lines: list[str] = LINES, seed: int = 1) -> Perturbed:
    return PERTURBATIONS[kind](lines, drawing(seed, kind))


def distance(one: str, other: str) -> int:
    """Letters to insert, drop, replace or swap with the next, at the least, to make one of the other."""
    rows = [[i + j if not i * j else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            same = one[i - 1] == other[j - 1]
            rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (not same))
            if i > 1 and j > 1 and (one[i - 2], one[i - 1]) == (other[j - 1], other[j - 2]):
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_a_seed_draws_the_same_and_the_first_lines_do_not_depend_on_the_rest(kind: str) -> None:
    assert perturbed(kind).sources == perturbed(kind).sources
    first = perturbed(kind, LINES[:4]).sources
    assert first == perturbed(kind).sources[: len(first)]


@pytest.mark.parametrize("kind", ["typos", "numbers", "urls"])
def test_another_seed_draws_others(kind: str) -> None:
    assert perturbed(kind).sources != perturbed(kind, seed=2).sources


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_a_model_that_takes_no_harm_has_what_the_references_become(kind: str) -> None:
    """Its translations are those of the plain text, changed as the text was."""
    case = perturbed(kind)
    assert len(case.sources) == len(case.become(LINES)) == (len(LINES) // 2 if kind == "two-in-a-line" else len(LINES))
    if case.copied:
        assert case.become(LINES) == case.sources
        assert all(map(is_copied, case.copied, case.sources))
        assert not any(map(is_copied, case.copied, LINES))


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_no_lines_are_none(kind: str) -> None:
    assert list(perturbed(kind, []).sources) == []


def test_capitals_change_nothing_but_case() -> None:
    for kind in ("upper-case", "title-case"):
        case = perturbed(kind)
        assert case.lowercase
        assert [line.casefold() for line in case.sources] == [line.casefold() for line in LINES]
    assert perturbed("upper-case").sources[0] == "TWO DOGS RUN OVER THE WET GRASS."
    assert perturbed("title-case", ["it isn't  McDonald's"]).sources == ["It Isn't  McDonald's"]


@pytest.mark.parametrize("seed", range(20))
def test_a_typo_is_one_slip_in_one_of_so_many_words(seed: int) -> None:
    for line, changed in zip(LINES, perturbed("typos", seed=seed).sources, strict=True):
        words, others = line.split(), changed.split()
        assert len(words) == len(others)
        slips = [(one, other) for one, other in zip(words, others, strict=True) if one != other]
        can_change = any(sum(map(str.isalpha, word)) >= 3 for word in words)
        assert len(slips) == (max(1, round(len(words) / WORDS_PER_TYPO)) if can_change else 0)
        assert all(distance(*slip) == 1 for slip in slips)


def test_all_kinds_of_slips_come_and_a_wrong_key_is_beside_the_right_one() -> None:
    found = perturbed("typos", ["harden"] * 300).sources
    lengths = {len(word) for word in found}
    assert lengths == {5, 6, 7}
    swapped = {word for word in found if sorted(word) == sorted("harden")}
    assert {"hraden", "hadren"} < swapped
    wrong = {
        (a, b)
        for word in found
        if len(word) == 6 and word not in swapped
        for a, b in zip("harden", word, strict=True)
        if a != b
    }
    assert wrong
    assert all(b in NEIGHBOURS[a] for a, b in wrong)
    assert all(key in NEIGHBOURS[other] for key, others in NEIGHBOURS.items() for other in others)


def test_no_mark_is_left_at_the_end_and_none_counts_in_the_translation() -> None:
    case = perturbed("no-final-mark")
    assert case.sources[:5] == [LINES[0][:-1], LINES[1][:-1], LINES[2], "¿Qué hora es", "Die Straße war naß"]
    assert case.sources[-1] == LINES[-1][:-1]
    assert case.read("Zwei Hunde.") == case.read("Zwei Hunde") == "Zwei Hunde"
    assert perturbed("no-final-mark", ["...", ""]).sources == ["...", ""]


def test_two_lines_become_one_and_so_do_their_references() -> None:
    assert perturbed("two-in-a-line", ["a.", "b.", "c.", "d.", "e."]).sources == ["a. b.", "c. d."]
    assert perturbed("two-in-a-line", list("abcd")).become(["1", "2", "3", "4"]) == ["1 2", "3 4"]


def test_what_is_inserted_leaves_the_rest_as_it_was() -> None:
    for kind, form in (("numbers", " ({})"), ("urls", " {}")):
        case = perturbed(kind)
        for line, changed, text in zip(LINES, case.sources, case.copied, strict=True):
            assert changed.replace(form.format(text), "") == line
    [number] = perturbed("numbers", ["Two dogs."]).copied
    assert perturbed("numbers", ["Two dogs."]).sources == [f"Two dogs ({number})."]


@pytest.mark.parametrize(
    ("translation", "copied"),
    [
        ("Es sind 4711.", True),
        ("(4711), nicht mehr", True),
        ("4711", True),
        ("14711", False),
        ("47110", False),
        ("4711,5", False),
        ("1,4711", False),
        ("4.711", False),
        ("Nr4711", False),
        ("", False),
    ],
)
def test_a_number_is_copied_where_it_stands_by_itself(translation: str, copied: bool) -> None:
    assert is_copied("4711", translation) == copied


def test_single_words_come_from_the_lines_and_none_twice() -> None:
    words = single_words([*LINES, *LINES, "a bc 12"], drawing(1, "words"))
    assert len(words) == len(set(words)) >= len(LINES) - 2
    assert all(word.isalpha() and len(word) >= 3 and any(word in line for line in LINES) for word in words)
    assert single_words(["dogs", "dogs"], drawing(1, "words")) == ["dogs"]


@pytest.mark.parametrize(
    ("text", "short"),
    [("Hund", True), ("der große alte Hund", True), ("das ist ein Hund .", False), ("", False), (" ", False)],
)
def test_a_short_translation_has_few_words_and_letters(text: str, short: bool) -> None:
    assert is_short(text) == short
    assert not is_short("x" * (MOST_CHARACTERS + 1))
