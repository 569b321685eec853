import os
import pty
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from nmtk.translation.inputs import Input
from nmtk.translation.job import Job
from nmtk.translation.progress import EVERY, SOON, Progress, watched
from nmtk.translation.wishes import Wishes


class Clock:
    """Time that passes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_plain_lines_tell_how_far_it_is_and_how_fast(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = Progress(live=False, now=clock)
    progress(10_000)  # what was there before counts, but not for the speed
    said = []
    for lines in (10_300, 10_600, 10_900, 11_200, 11_500):
        clock.now += EVERY / 2
        progress(lines)
        said.append(capsys.readouterr().err)
    assert said == ["", "nmtk: 10,600 lines, 20.0 a second\n", "", "nmtk: 11,200 lines, 20.0 a second\n", ""]


@pytest.mark.parametrize("live", [False, True])
def test_short_work_is_done_without_a_word(live: bool, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = Progress(live, now=clock)
    for lines in (0, 100, 200):
        progress(lines)
        clock.now += SOON / 3
    progress.close()
    assert capsys.readouterr() == ("", "")


def test_at_a_terminal_one_line_lives_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, terminal = pty.openpty()
    clock = Clock()
    with os.fdopen(terminal, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setenv("TERM", "xterm")
        progress = Progress(live=True, now=clock)
        progress(0)
        for lines in (1_000, 1_500):
            clock.now += SOON
            progress(lines)
        progress.close()
    said = b""
    with suppress(OSError):  # which ends what a terminal said
        while more := os.read(ours, 10_000):
            said += more
    os.close(ours)
    assert b"1,500 lines, 150.0 a second" in said
    assert said.rpartition(b"second")[2].strip().endswith(b"\x1b[2K")  # the line is wiped


@pytest.mark.parametrize(
    ("quiet", "rank", "heard"), [(False, None, True), (True, None, False), (False, 0, True), (False, 1, False)]
)
def test_one_process_speaks_and_none_that_is_to_be_quiet(
    quiet: bool, rank: int | None, heard: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if rank is not None:
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "2")
    job = Job([tmp_path], Wishes(), Input(tmp_path / "in"), tmp_path / "out", quiet=quiet)
    with watched(job) as told:
        assert isinstance(told, Progress) == heard


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_lines_that_come_and_go_at_the_terminal_speak_for_themselves(
    stream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, terminal = pty.openpty()
    with os.fdopen(terminal, "r" if stream == "stdin" else "w") as file:
        monkeypatch.setattr(sys, stream, file)
        source, output = (None, tmp_path / "out") if stream == "stdin" else (tmp_path / "in", None)
        with watched(Job([tmp_path], Wishes(), Input(source), output)) as told:
            assert not isinstance(told, Progress)
    os.close(ours)
