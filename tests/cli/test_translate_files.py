import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmtk.bundle import Bundle
from nmtk.lines import read_lines
from tests.cli.translating import ON_CPU, TEXT, answers


def test_a_report_says_what_became_of_which_lines(nmtk: Callable[..., Any], bundle: Bundle, tmp_path: Path) -> None:
    own = bundle._replace(decoding={"longest_input": 20, "longest": 3, "strategy": "greedy"})
    own.save(tmp_path / "model")
    report, text = tmp_path / "report.json", "dog\n\n" + "Dog. Dog. Dog. " * 20 + "\n"
    ended = nmtk("translate", "-m", tmp_path, *ON_CPU, "-q", "--report", report, "--buffer-size", 2, stdin=text)
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(report.read_text("utf-8"))
    assert (found["finished"], found["lines"], found["input"]) == (True, 3, "-")
    assert found["empty"] == {"count": 1, "lines": [2]}
    assert found["split"] == {"count": 1, "lines": [3]}
    assert 3 in found["cut"]["lines"]
    assert found["decoding"]["strategy"] == {"kind": "greedy"}
    assert found["source_tokens"] == sum(map(len, bundle.vocabularies.source.encode(text.split("\n"))))
    assert found["target_tokens"] > 0


def test_a_run_that_fails_leaves_a_report_that_says_so(nmtk: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    report, text = tmp_path / "report.json", '{"text": "A dog."}\nno JSON\n'
    arguments = ("--input-format", "jsonl", "--buffer-size", 1, "--report", report)
    assert nmtk("translate", "-m", folder, *ON_CPU, *arguments, stdin=text).code == 1
    found = json.loads(report.read_text("utf-8"))
    assert (found["finished"], found["lines"]) == (False, 1)


def test_a_report_that_cannot_be_written_is_told_before_the_work(nmtk: Callable[..., Any], folder: Path) -> None:
    ended = nmtk("translate", "-m", folder, *ON_CPU, "--report", folder, stdin=TEXT)
    assert ended == (1, "", f"nmtk: error: {folder}: cannot be written: Is a directory\n")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"-i": "in", "-o": "out", "--report": "in"}, "--report: found {0}/in, which is the input too"),
        ({"-i": "in", "-o": "in"}, "--output: found {0}/in, which is the input too"),
        ({"-i": "in", "-o": "link"}, "--output: found {0}/link, which is the input too"),
        ({"-i": "in", "-o": "new", "--report": "a/../new"}, "--report: found {0}/a/../new, which is the output too"),
        ({"-i": "in", "-o": "new", "--report": "new.part"}, "--report: found {0}/new.part, which the output takes"),
    ],
    ids=str,
)
def test_one_file_is_not_two_things(
    nmtk: Callable[..., Any], folder: Path, tmp_path: Path, files: dict[str, str], said: str
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "in").write_text(TEXT)
    (tmp_path / "link").hardlink_to(tmp_path / "in")
    before = sorted(tmp_path.iterdir())
    given = [part for flag, name in files.items() for part in (flag, f"{tmp_path}/{name}")]
    ended = nmtk("translate", "-m", folder, *ON_CPU, *given)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"nmtk: error: {said.format(tmp_path)}")
    assert ended.err.count("\n") == 1
    assert (tmp_path / "in").read_text() == TEXT
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("number", "files", "said"),
    [
        (0, {"--report": "in"}, "--report: found {0}/in, which is the input too"),
        (0, {"-i": "-", "-o": "in"}, "--output: found {0}/in, which is the input too"),
        (1, {"-i": "in"}, "--output: found /dev/stdout, which is the input too"),
        (1, {"--report": "in"}, "--report: found {0}/in, which is the output too"),
    ],
)
def test_nor_is_one_that_a_stream_is_redirected_to(
    nmtk: Callable[..., Any],
    folder: Path,
    tmp_path: Path,
    redirected: Callable[[int, Path], None],
    number: int,
    files: dict[str, str],
    said: str,
) -> None:
    (tmp_path / "in").write_text(TEXT)
    given = [part for flag, name in files.items() for part in (flag, name if name == "-" else f"{tmp_path}/{name}")]
    redirected(number, tmp_path / "in")
    ended = nmtk("translate", "-m", folder, *ON_CPU, *given)
    assert ended.err == f"nmtk: error: {said.format(tmp_path)}: wanted another file\n"
    assert (tmp_path / "in").read_text() == TEXT


def test_a_device_may_be_two_things(nmtk: Callable[..., Any], folder: Path) -> None:
    assert nmtk("translate", "-m", folder, *ON_CPU, "-i", os.devnull, "-o", os.devnull) == (0, "", "")


def test_a_start_that_is_refused_leaves_an_earlier_report(
    nmtk: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    command = ("translate", "-m", folder, *ON_CPU, "--report", report)
    assert nmtk(*command, stdin="A dog.\n").code == 0
    before = report.read_bytes()
    assert nmtk(*command, "-i", tmp_path / "none").code == 1
    assert nmtk(*command, "--resume", stdin="A dog.\n").code == 1
    assert report.read_bytes() == before


def test_bytes_that_are_no_text_end_it_and_leave_no_file(
    nmtk: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    source, output = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_bytes(b"A dog.\nA c\xe4t.\n")
    ended = nmtk("translate", "-m", folder, *ON_CPU, "-i", source, "-o", output, "--buffer-size", 1)
    assert ended == (1, "", f"nmtk: error: {source}:2: invalid UTF-8 at byte 10: found e4\n")
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("ending", ["", ".gz", ".xz", ".bz2", ".zst"])
def test_files_are_compressed_as_their_endings_say(
    nmtk: Callable[..., Any], folder: Path, bundle: Bundle, tmp_path: Path, ending: str
) -> None:
    source, output = tmp_path / "in.txt.gz", tmp_path / f"out.txt{ending}"
    source.write_bytes(gzip.compress(TEXT.encode()))
    ended = nmtk("translate", "-m", folder, *ON_CPU, "-i", source, "-o", output, "-q")
    assert ended == (0, "", "")
    assert list(read_lines(output)) == answers(bundle).splitlines()
    assert (output.read_bytes() == "".join(f"{line}\n" for line in read_lines(output)).encode()) == (not ending)


def test_it_says_how_many_lines_it_had_to_split(nmtk: Callable[..., Any], bundle: Bundle, tmp_path: Path) -> None:
    own = bundle._replace(decoding={"longest_input": 20, "longest": 3, "strategy": "greedy"})
    own.save(tmp_path / "model")
    text = "Dog. Dog. Dog. " * 20 + "\ndog\n"
    ended = nmtk("translate", "-m", tmp_path, *ON_CPU, stdin=text)
    assert ended.code == 0
    assert ended.out.count("\n") == 2
    assert "nmtk: warning: 1 of 2 lines were too long and translated in parts\n" in ended.err
    assert "translations reached the longest length allowed\n" in ended.err
    quiet = nmtk("translate", "-m", tmp_path, *ON_CPU, "-q", stdin=text)
    assert quiet == (0, ended.out, "")
