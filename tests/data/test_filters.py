"""Laws of filtering: what is dropped, and under which name."""

import pytest

from nmtk.data.filters import FilterOptions, Reason
from nmtk.data.pairs import Pair
from nmtk.errors import OptionsError


def fault(options: FilterOptions, source: int, target: int, texts: tuple[str, str] = ("a", "b")) -> Reason | None:
    return options.fault(Pair(*texts, 1), [7] * source, [7] * target)


@pytest.mark.parametrize("texts", [("", "b"), ("a", ""), (" ", "b"), ("a", "\u3000"), ("\u2028", "b"), ("", "")])
def test_an_empty_side_is_always_dropped(texts: tuple[str, str]) -> None:
    """Also when the vocabulary makes a piece of the blank."""
    assert fault(FilterOptions(), 1, 1, texts) is Reason.EMPTY


def test_text_without_pieces_is_empty() -> None:
    assert fault(FilterOptions(), 0, 5) is fault(FilterOptions(), 5, 0) is Reason.EMPTY


@pytest.mark.parametrize("longest", [1, 5, 256])
def test_longest_is_the_length_still_kept(longest: int) -> None:
    options = FilterOptions(longest=longest)
    assert fault(options, longest, longest) is None
    assert fault(options, longest + 1, longest) is fault(options, longest, longest + 1) is Reason.LONG


def test_ratio_does_not_care_which_side_is_longer_and_spares_short_pairs() -> None:
    options = FilterOptions(ratio=3.0, ratio_over=10)
    for short in range(1, 12):
        for long in range(short, 40):
            wanted = Reason.RATIO if long > 3 * short and long > 10 else None
            assert fault(options, short, long) is fault(options, long, short) is wanted


def test_identical_sides_are_kept_unless_asked() -> None:
    assert fault(FilterOptions(), 2, 2, ("Berlin", "Berlin")) is None
    dropping = FilterOptions(drop_identical=True)
    assert fault(dropping, 2, 2, ("Berlin", "Berlin ")) is Reason.IDENTICAL
    assert fault(dropping, 2, 2, ("Berlin", "berlin")) is None


def test_a_pair_with_several_faults_has_the_first() -> None:
    options = FilterOptions(longest=30, ratio=2.0, drop_identical=True)
    assert fault(options, 0, 300, ("", "")) is Reason.EMPTY
    assert fault(options, 300, 1, ("x", "x")) is Reason.IDENTICAL
    assert fault(options, 300, 1) is Reason.LONG


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"longst": 3}, "unknown key longst; did you mean longest?"),
        ({"longest": 0}, "longest: found 0, wanted a number greater than 0"),
        ({"ratio": 0.5}, "ratio: found 0.5, wanted a number greater than or equal to 1"),
        ({"drop_identical": "yes"}, 'drop_identical: found "yes", wanted true or false'),
    ],
)
def test_wrong_options_are_one_line(document: dict[str, object], message: str) -> None:
    with pytest.raises(OptionsError) as error:
        FilterOptions.parse(document, "recipe.yaml")
    assert str(error.value) == f"recipe.yaml: {message}"
