"""Translations that are killed, gone on with, and shared among processes: always the same bytes, the same report."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nmtk.lines import read_lines
from nmtk.translation.parts import Journal
from tests.decoding.copying import sentences
from tests.training.launch import launch, launched

LINES = [*sentences(75, 1001), "A 犬 on a 猫.", *sentences(74, 1003), "", *sentences(48, 1002), "犬 犬"]
GREEDY = ("--device", "cpu", "--threads", 1, "--decode", "greedy", "--buffer-size", 8)
ON_CPU = (*GREEDY, "-q")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "in.txt"
    path.write_text("".join(f"{line}\n" for line in LINES))
    return path


def small_steps(_rank: int) -> None:
    """Every frame is a step, and small in a compressed file too."""
    from nmtk.translation import output, parts

    parts.EVERY, output.FRAME = 0.0, 16


@pytest.fixture
def whole(nmtk: Callable[..., Any], folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The bytes that one process writes, unbroken, into a file of this ending."""
    monkeypatch.setattr("nmtk.translation.output.FRAME", 16)

    def run(ending: str, *arguments: object) -> bytes:
        path = tmp_path / f"whole{ending}"
        assert nmtk("translate", "-m", folder, *ON_CPU, "-i", source, "-o", path, *arguments) == (0, "", "")
        return path.read_bytes()

    return run


def told(report: Path) -> Any:
    """All that a report says but how long it took."""
    found = json.loads(report.read_text("utf-8"))
    return {name: value for name, value in found.items() if "second" not in name}


def killed_at(moment: int, rank: int) -> None:
    """Killed before that many of the calls that write: of a record, to the disk, of the journal."""
    from nmtk.translation import parts

    small_steps(rank)
    moments = itertools.count(1)

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            if next(moments) == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*given)

        return call

    for place, name in ((parts.Part, "write"), (parts.Journal, "write"), (parts.os, "fsync"), (Path, "replace")):
        setattr(place, name, watched(getattr(place, name)))


@pytest.mark.parametrize("ending", ["", ".xz"])
def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(
    folder: Path, source: Path, tmp_path: Path, whole: Callable[..., bytes], ending: str
) -> None:
    output, rng, codes, kept = tmp_path / f"out{ending}", random.Random(ending), [], [0]
    report, told_of = tmp_path / "report", ("--longest", 12, "--report")
    command = ("translate", "-m", folder, *GREEDY, "-i", source, "-o", output, *told_of, report, "--resume")
    while not codes or codes[-1]:
        with launched(tmp_path / "log", *command, ranks=1, patch=partial(killed_at, rng.randint(30, 120))) as [process]:
            codes.append(process.code(300))
        assert "error" not in process.stderr
        if codes[-1]:
            journal = Journal.read(output.with_name(f"{output.name}.part"))
            kept.append(journal.records if journal else 0)
    assert codes == [-signal.SIGKILL] * (len(codes) - 1) + [0]
    assert kept == sorted(kept)
    assert len(set(kept)) >= 3
    assert output.read_bytes() == whole(ending, *told_of, tmp_path / "whole-report")
    left = ["log", output.name, f"whole{ending}", "report", "whole-report"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(left)
    assert told(report) == told(tmp_path / "whole-report")
    assert f"nmtk: {kept[-1]} lines were kept: goes on at line {kept[-1] + 1}\n" in process.stderr
    cut = told(report)["cut"]["count"]
    assert f"nmtk: warning: {cut} of {len(LINES)} translations reached the longest length allowed\n" in process.stderr


@pytest.mark.parametrize(("ranks", "ending"), [(2, ""), (3, ".xz")])
def test_ranks_make_the_bytes_of_one_process(
    folder: Path, source: Path, tmp_path: Path, whole: Callable[..., bytes], ranks: int, ending: str
) -> None:
    output = tmp_path / f"out{ending}"
    given = ("--precision", "bfloat16", "--longest", 12, "--report")
    command = ("translate", "-m", folder, *ON_CPU, "-i", source, "-o", output, *given, tmp_path / "report")
    launch(tmp_path / "log", *command, ranks=ranks, patch=small_steps)
    assert output.read_bytes() == whole(ending, *given, tmp_path / "whole-report")
    assert told(tmp_path / "report") == told(tmp_path / "whole-report")
    assert not [path.name for path in tmp_path.iterdir() if "-of-" in path.name]


@pytest.mark.parametrize("ending", ["", ".xz"])
def test_shards_joined_by_hand_are_the_bytes_of_one_process(
    nmtk: Callable[..., Any], folder: Path, source: Path, tmp_path: Path, whole: Callable[..., bytes], ending: str
) -> None:
    wanted, joined = whole(ending), tmp_path / f"joined{ending}"
    with joined.open("wb") as file:
        for number in (1, 2, 3):
            part = tmp_path / f"part-{number}{ending}"
            given = ("-i", source, "-o", part, "--shard", f"{number}/3")
            assert nmtk("translate", "-m", folder, *ON_CPU, *given) == (0, "", "")
            file.write(part.read_bytes())
    assert joined.read_bytes() == wanted
    assert len(list(read_lines(joined))) == len(LINES)


def test_ended_by_sigterm_several_processes_end_in_order(folder: Path, source: Path, tmp_path: Path) -> None:
    text, output, report = tmp_path / "in.txt", tmp_path / "out.txt", tmp_path / "report"
    text.write_bytes(source.read_bytes() * 20)
    given = ("-m", folder, *ON_CPU, "--threads", 2, "-i", text, "-o", output)
    command = [sys.executable, "-m", "nmtk", "translate", *map(str, given), "--report", str(report)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not (part := tmp_path / "out.txt.part").exists() or not part.stat().st_size:
            time.sleep(0.05)
        process.terminate()
        assert process.stderr
        assert process.stderr.read() == ""  # to its end: whoever else has it has ended too
    assert process.returncode == 128 + signal.SIGTERM
    found = json.loads(report.read_text())
    assert not found["finished"]
    assert 0 < found["lines"] < 20 * len(LINES)


def test_changed_options_and_text_do_not_go_on(
    nmtk: Callable[..., Any], folder: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmtk.translation.parts.EVERY", 0.0)
    text, output = tmp_path / "in.txt", tmp_path / "out.txt"
    text.write_bytes(b"".join(f"{line}\n".encode() for line in LINES[:20]) + b"\xff\n")
    command = ("translate", "-m", folder, *ON_CPU, "--precision", "float32", "-i", text, "-o", output)
    broken = nmtk(*command)
    assert broken.err.startswith(f"nmtk: error: {text}:21: invalid UTF-8")
    assert not output.exists()
    part = tmp_path / "out.txt.part"
    for given, said in (
        ((), f"{part}: holds 16 records of work that was not brought to its end: go on with --resume, or delete it"),
        (("--resume", "--buffer-size", 4), f"{part}: begun with buffer 8, now 4: go on with what it was, or delete it"),
        (("--resume", "--decode", "beam"), f'{part}: begun with decoding.strategy {{"kind": "greedy"'),
        (
            ("--resume", "--precision", "bfloat16"),
            f'{part}: begun with precision "float32", now "bfloat16"',
        ),
        (("--resume", "--forbid", "dog"), f'{part}: begun with forbidden [], now ["dog"]'),
        (("--resume", "--shard", "1/2"), f'{part}: begun with shard "1/1", now "1/2"'),
    ):
        ended = nmtk(*command, *given)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith(f"nmtk: error: {said}")
        assert ended.err.count("\n") == 1
    text.write_bytes(b"".join(f"{line}\n".encode() for line in LINES[:20]))
    ended = nmtk(*command, "--resume")
    assert f'{part}: begun with input {{"bytes": ' in ended.err
    part.unlink()
    assert nmtk(*command, "--resume") == (0, "", "")
    assert len(list(read_lines(output))) == 20


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--shard", "0/2", "-i", "{source}", "-o", "{out}"),
            "--shard: found 0/2, wanted a part and their number, from",
        ),
        (("--shard", "1/2", "-o", "{out}"), "--shard: found standard input to read, wanted a file: -i FILE"),
        (("--resume", "-i", "{source}"), "--resume: found standard output to write to, wanted a file: -o FILE"),
    ],
)
def test_what_has_no_parts_is_told(
    nmtk: Callable[..., Any], folder: Path, source: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    given = (one.format(source=source, out=tmp_path / "out") for one in arguments)
    ended = nmtk("translate", "-m", folder, *ON_CPU, *given, stdin="dog\n")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"nmtk: error: {said}")


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True])
def test_torchrun_makes_the_bytes_of_one_process_or_fails(
    folder: Path, source: Path, tmp_path: Path, whole: Callable[..., bytes], fails: bool
) -> None:
    output = tmp_path / "out.txt"
    if fails:  # the second rank's part is another's
        (tmp_path / "out.txt.1-of-2").mkdir()
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "nmtk"]
    command += ["translate", "-m", folder, *ON_CPU, "-i", source, "-o", output]
    ended = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=240, check=False)
    if fails:
        assert ended.returncode != 0
        assert "out.txt.1-of-2: cannot be written: Is a directory" in ended.stderr
        assert not output.exists()
    else:
        assert ended.returncode == 0, ended.stderr
        assert output.read_bytes() == whole(".txt")
