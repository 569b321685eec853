import math
from itertools import pairwise
from typing import get_args

import pytest

from nmtk.options import Options
from nmtk.training.schedules import Constant, Cosine, Horizon, InverseSqrt, Linear, Noam, Schedule, WarmupStableDecay

RUN = Horizon(width=512, updates=1000)
KINDS = get_args(get_args(Schedule)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_rises_linearly_and_never_jumps(kind: type[Options]) -> None:
    schedule = kind.parse({"warmup": 100}, "test")
    factors = [schedule.factor(step, RUN) for step in range(1, 1001)]  # type: ignore[attr-defined]
    peak = max(factors)
    assert factors[99] == pytest.approx(peak)
    assert factors[49] == pytest.approx(peak / 2)
    steps = [abs(b - a) / peak for a, b in pairwise(factors)]
    assert max(steps) <= 0.08
    assert min(factors) >= 0


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not Noam])
def test_is_one_at_the_end_of_the_warm_up(kind: type[Options]) -> None:
    schedule = kind.parse({"warmup": 100}, "test")
    assert schedule.factor(100, RUN) == pytest.approx(1)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [Linear, Cosine, WarmupStableDecay])
def test_ends_where_it_is_told(kind: type[Linear | Cosine | WarmupStableDecay]) -> None:
    assert kind(warmup=10, end=0.1).factor(1000, RUN) == pytest.approx(0.1)
    assert kind(warmup=10, end=0.1).factor(5000, RUN) == pytest.approx(0.1)
    assert kind(warmup=10, updates=500).factor(500, RUN) == pytest.approx(0)


def test_noam_is_the_papers_equation() -> None:
    for step in (1, 10, 4000, 100_000):
        wanted = 512**-0.5 * min(step**-0.5, step * 4000**-1.5)
        assert Noam().factor(step, RUN) == pytest.approx(wanted)


def test_shapes_at_known_places() -> None:
    assert InverseSqrt(warmup=100).factor(400, RUN) == pytest.approx(0.5)
    assert Linear(warmup=100).factor(550, RUN) == pytest.approx(0.5)
    assert Cosine(warmup=100).factor(550, RUN) == pytest.approx(0.5)
    assert WarmupStableDecay(warmup=100, decay=0.4).factor(600, RUN) == 1
    assert WarmupStableDecay(warmup=100, decay=0.4).factor(700, RUN) == pytest.approx(1 - math.sqrt(0.25))
    assert Constant().factor(1, RUN) == 1
