from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ((), "wanted either --last N or --best N"),
        (("--last", 2, "--best", 2), "wanted either --last N or --best N"),
        (("--last", 2, "--metric", "bleu"), "--metric is for --best N: found --last, which goes by age alone"),
        (("--last", 2, "--metric", "loss"), "--metric is for --best N: found --last, which goes by age alone"),
    ],
)
def test_flags_that_say_two_things_are_refused(
    nmtk: Callable[..., Any], tmp_path: Path, flags: tuple[Any, ...], line: str
) -> None:
    ended = nmtk("average-checkpoints", tmp_path / "run", "-o", tmp_path / "mean", *flags)
    assert ended.code == 2
    assert line in " ".join(ended.err.split())


def test_the_best_are_those_of_least_loss_unless_it_is_said(
    nmtk: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []

    def average(*arguments: Any) -> list[int]:
        asked.append(arguments)
        return [4, 8]

    monkeypatch.setattr("nmtk.training.averaging.average_run", average)
    run, mean = tmp_path / "run", tmp_path / "mean"
    for more in ((), ("--metric", "chrf")):
        ended = nmtk("average-checkpoints", run, "-o", mean, "--best", 2, *more)
        assert ended == (0, "", f"{mean}: mean of 2 checkpoints, updates 4, 8\n")
    assert asked == [(run, mean, None, 2, "loss"), (run, mean, None, 2, "chrf")]
