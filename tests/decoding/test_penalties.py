import pytest

from nmtk.decoding.penalties import Average, Gnmt, NoPenalty, Penalty
from nmtk.decoding.strategies import Beam
from nmtk.errors import OptionsError


@pytest.mark.parametrize(
    "penalty", [Gnmt(), Gnmt(alpha=0.0), Gnmt(alpha=3.0), Average(), Average(alpha=0.3), NoPenalty()], ids=str
)
def test_a_divisor_is_one_or_more_and_never_falls(penalty: Penalty) -> None:
    """What the proof that a search may stop rests on."""
    divisors = [penalty.divisor(length) for length in range(1, 600)]
    assert divisors == sorted(divisors)
    assert divisors[0] == 1.0


def test_the_formulas_are_those_of_their_papers() -> None:
    assert Gnmt(alpha=0.6).divisor(7) == pytest.approx(2**0.6)
    assert Average().divisor(7) == 7
    assert Average(alpha=0.5).divisor(9) == pytest.approx(3)
    assert NoPenalty().divisor(9) == 1


def test_a_penalty_may_be_written_as_its_name() -> None:
    assert Beam.parse({"penalty": "average"}, "x").penalty == Average()
    assert Beam.parse({"penalty": {"kind": "gnmt", "alpha": 1.0}}, "x").penalty == Gnmt(alpha=1.0)


def test_an_unknown_penalty_or_an_exponent_out_of_range_is_refused() -> None:
    with pytest.raises(OptionsError, match=r"^x: penalty.*avrage.*did you mean average\?$"):
        Beam.parse({"penalty": "avrage"}, "x")
    for alpha in (-1.0, 1000.0):
        with pytest.raises(OptionsError, match="alpha"):
            Beam.parse({"penalty": {"kind": "gnmt", "alpha": alpha}}, "x")
