import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmtk.documents import Document
from nmtk.errors import NmtkError
from nmtk.lines import read_lines
from nmtk.translation import parts
from nmtk.translation.output import pack_of
from nmtk.translation.parts import Journal, in_work, journal_of, known_by, notes_of, opened_part, read_notes

TASK: Document = {"model": "a", "decoding.strategy": {"kind": "beam", "width": 4}}


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every frame is a step."""
    monkeypatch.setattr(parts, "EVERY", 0.0)
    monkeypatch.setattr(parts, "_TRIES", 2)


class Crash(Exception):
    """What ends a process in the middle of its work."""


def write(
    path: Path, first: int, stop: int, crash: bool = False, resume: bool = False, task: Document = TASK, buffer: int = 3
) -> None:
    with opened_part(path, task, pack_of(path.stem), 3, buffer, resume) as part:
        assert part.count == first
        for number in range(first, stop):
            if number % buffer == 0:
                part.note(f"from {number}\n".encode())
            part.write(f"record {number}\n".encode())
        if crash:
            raise Crash
        part.finish(alone=True)


@pytest.mark.parametrize("name", ["out.part", "out.gz.part", "out.xz.part"])
@pytest.mark.parametrize(("broken", "buffer"), [(3, 3), (4, 3), (8, 3), (2, 1), (4, 1), (8, 1)])
def test_what_goes_on_after_a_crash_is_as_if_unbroken(tmp_path: Path, name: str, broken: int, buffer: int) -> None:
    whole, path = tmp_path / "whole" / name, tmp_path / name
    write(whole, 0, 10)
    with pytest.raises(Crash):
        write(path, 0, broken, crash=True, buffer=buffer)
    with path.open("ab") as file:
        file.write(b"what the disk got of the next frame")
    with notes_of(path).open("ab") as file:
        file.write(b"and of its note")
    write(path, broken // buffer * buffer, 10, resume=True, buffer=buffer)
    assert path.read_bytes() == whole.read_bytes()
    journal = Journal.read(path)
    assert journal is not None
    assert journal == Journal(TASK, 10, path.stat().st_size, [], True, notes_of(path).stat().st_size)
    assert list(read_notes(path)) == [f"from {number}\n".encode() for number in range(0, 10, buffer)]
    path.rename(final := path.with_suffix(""))
    assert list(read_lines(final)) == [f"record {number}" for number in range(10)]


def test_a_crash_before_the_first_step_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Crash):
        write(tmp_path / "out.part", 0, 2, crash=True)
    assert list(tmp_path.iterdir()) == []


def test_steps_are_rare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "EVERY", 1000.0)
    with opened_part(tmp_path / "out.part", TASK, None, 1, 1, False) as part:
        for _ in range(10):
            part.write(b"x\n")
        journal = Journal.read(part.path)
        assert journal is not None
        assert journal.records == 0


def test_unfinished_work_is_not_thrown_away_unasked(tmp_path: Path) -> None:
    path = tmp_path / "out.part"
    with pytest.raises(Crash):
        write(path, 0, 7, crash=True)
    kept = path.read_bytes()
    said = "holds 6 records of work that was not brought to its end: go on with --resume, or delete it"
    with pytest.raises(NmtkError, match=said):
        write(path, 0, 7)
    assert path.read_bytes() == kept
    path.unlink()
    write(path, 0, 7)  # the journal alone is of no use


def test_work_with_nothing_to_resume_begins_at_the_beginning(tmp_path: Path) -> None:
    write(tmp_path / "out.part", 0, 5, resume=True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model": "b"}, r'out.part: begun with model "a", now "b": go on with what it was, or delete it$'),
        ({"decoding.strategy": {"kind": "greedy"}}, r'strategy {"kind": "beam", "width": 4}, now {"kind": "greedy"}'),
        ({"more": 1}, "begun with more null, now 1"),
    ],
)
def test_other_work_does_not_go_on_with_it(tmp_path: Path, changed: Document, said: str) -> None:
    path = tmp_path / "out.part"
    with pytest.raises(Crash):
        write(path, 0, 7, crash=True)
    kept = path.read_bytes()
    with pytest.raises(NmtkError, match=said):
        write(path, 6, 7, resume=True, task=TASK | changed)
    assert path.read_bytes() == kept


@pytest.mark.parametrize(
    "damage",
    [
        lambda journal: "",
        lambda journal: "{",
        lambda journal: "[1]",
        lambda journal: json.dumps(journal | {"size": -1}),
        lambda journal: json.dumps(journal | {"records": "six"}),
        lambda journal: json.dumps(journal | {"notes": -1}),
        lambda journal: json.dumps({"records": 6}),
        lambda journal: json.dumps(journal | {"waiting": [1]}),
        lambda journal: json.dumps(journal | {"waiting": ["x"] * 9}),
        lambda journal: json.dumps(journal | {"other": 1}),
    ],
)
def test_a_damaged_journal_is_named(tmp_path: Path, damage: Callable[[Any], str]) -> None:
    path = tmp_path / "out.part"
    with pytest.raises(Crash):
        write(path, 0, 7, crash=True)
    journal = journal_of(path)
    journal.write_text(damage(json.loads(journal.read_text())))
    with pytest.raises(NmtkError, match=rf"{journal.name}: damaged: delete it and \S+out.part to begin anew$"):
        write(path, 6, 7, resume=True)


def test_a_part_cut_short_is_named(tmp_path: Path) -> None:
    path = tmp_path / "out.part"
    with pytest.raises(Crash):
        write(path, 0, 7, crash=True)
    notes = notes_of(path).read_bytes()
    notes_of(path).write_bytes(notes[:13])  # of those of two buffers; the third's is not vouched for
    with pytest.raises(NmtkError, match=r"part.notes: found 13 bytes, wanted 14: delete \S+out.part to begin anew$"):
        write(path, 6, 7, resume=True)
    notes_of(path).write_bytes(notes)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(NmtkError, match=r"out.part: found 53 bytes, wanted 54: delete \S+out.part to begin anew$"):
        write(path, 6, 7, resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_a_file_that_is_no_part_is_left_alone(tmp_path: Path, resume: bool) -> None:
    path = tmp_path / "out.part"
    path.write_text("a user's own\n")
    with pytest.raises(NmtkError, match=r"out.part: no work of nmtk's, which has a \S+part.json: move it away, or del"):
        write(path, 0, 7, resume=resume)
    assert path.read_text() == "a user's own\n"
    assert list(tmp_path.iterdir()) == [path]


def test_two_processes_do_not_write_one_part(tmp_path: Path) -> None:
    path = tmp_path / "out.part"
    assert not in_work(path)
    with opened_part(path, TASK, None, 1, 1, False):
        assert in_work(path)
        with pytest.raises(NmtkError, match=r"out.part: another process is writing it$"):
            write(path, 0, 1)
    assert not in_work(path)


def test_a_file_is_known_by_its_size_and_its_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_ENDS", 10)
    known = []
    for text in ("a" * 30, "b" + "a" * 29, "a" * 29 + "b", "a" * 31, "a"):
        (tmp_path / "in").write_text(text)
        known.append(json.dumps(known_by(tmp_path / "in")))
    assert len(set(known)) == 5
