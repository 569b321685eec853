"""The probe never goes beyond the limit, and finds what fits."""

import pickle
import signal
import sys

import pytest
import torch

from nmtk.model.options import TransformerOptions
from nmtk.training.apart import TooLarge, _sendable, apart
from nmtk.training.options import TrainingOptions
from nmtk.training.probe import Fit, Probe, grow

CPU = torch.device("cpu")


class Line:
    """Memory that grows with the rows from a base; more than `there` is fails."""

    def __init__(self, base: int, slope: int, there: int) -> None:
        self.base, self.slope, self.there = base, slope, there
        self.tried: list[int] = []

    def __call__(self, rows: int) -> int | None:
        self.tried.append(rows)
        needed = self.base + self.slope * rows
        return needed if needed <= self.there else None


@pytest.mark.parametrize("base", [0, 100, 450])
@pytest.mark.parametrize("slope", [1, 7, 50])
@pytest.mark.parametrize("wanted", [1, 2, 3, 64, 1000])
def test_the_most_rows_that_fit_are_found_and_no_more_are_tried(base: int, slope: int, wanted: int) -> None:
    line = Line(base, slope, there=10**9)
    fit = grow(line, 1, wanted, 500)
    fitting = min(wanted, (500 - base) // slope)
    assert fit.rows == fitting
    assert all(base + slope * rows <= 500 for rows in line.tried[2:]), "the first two are what a line is drawn through"
    if len(fit.tried) > 1:
        assert fit.bytes(wanted) == base + slope * wanted


def test_what_needs_far_less_than_there_is_is_told_and_not_tried() -> None:
    line = Line(10, 1, there=10**9)
    assert grow(line, 8, 10_000, 10**6).rows == 10_000
    assert max(line.tried) < 100


def test_memory_that_ends_before_the_limit_ends_the_growth() -> None:
    line = Line(100, 10, there=200)
    assert 4 <= grow(line, 1, 1000, 260).rows <= 10
    assert grow(Line(100, 10, there=50), 1, 1000, 260) == Fit(0, ())


def probe(longest: int = 32) -> Probe:
    options = TransformerOptions(preset="tiny", encoder_layers=2, decoder_layers=2)
    training = TrainingOptions(updates=1)
    return Probe(options, 500, 500, training, torch.float32, CPU, longest, longest)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is known on Linux only")
def test_a_model_in_another_process_is_held_to_its_limit() -> None:
    wanted, limit = 512, 300 << 20
    fit = probe().fit(wanted, limit)
    assert 16 <= fit.rows < wanted
    taken = [size for _, size in fit.tried]
    assert 0 < taken[0] < taken[-1] <= limit
    assert fit.bytes(wanted) > limit


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is known on Linux only")
def test_what_does_not_even_begin_to_fit_is_no_crash() -> None:
    assert probe(longest=600).fit(512, 1 << 20).rows == 0


def test_errors_of_another_process_are_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        apart(divmod, 1, 0)
    assert apart(divmod, 7, 2) == (3, 1)


class Odd(Exception):
    """It is pickled, but cannot be made again from that."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"odd: {one} and {other}")


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ValueError("no"), ValueError, "no"),
        (Odd(1, 2), RuntimeError, "Odd: odd: 1 and 2"),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried.\nmore"),
            TooLarge,
            "out of memory: CUDA out of memory. Tried.: wanted a smaller model or smaller batches",
        ),
    ],
)
def test_any_error_can_be_sent(error: Exception, kind: type[Exception], text: str) -> None:
    sent = pickle.loads(pickle.dumps(_sendable(error)))
    assert (type(sent), str(sent)) == (kind, text)


def test_a_process_that_dies_is_told_of_and_does_not_fit() -> None:
    with pytest.raises(TooLarge, match="died, out of memory perhaps: found exit code -9, wanted a smaller model"):
        apart(signal.raise_signal, signal.SIGKILL)
