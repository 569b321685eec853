import io
import os
import pty
import subprocess
import sys
from pathlib import Path
from select import select
from typing import Any

import pytest

from nmtk.bundle import Bundle
from nmtk.cli.app import main
from nmtk.decoding.strategies import Greedy
from tests.cli.translating import LINES, ON_CPU, answers


def start(
    folder: Path, *arguments: object, env: dict[str, str] | None = None, **streams: Any
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "nmtk", "translate", "-m", str(folder), *ON_CPU, *map(str, arguments)]
    buffered = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""}  # unbuffered, it could forget to flush
    return subprocess.Popen(
        command,
        cwd=Path(__file__).parents[2],
        env=os.environ | buffered | (env or {}),
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams,
    )


def test_an_endless_input_is_answered_as_it_comes_and_ends_with_its_reader(folder: Path) -> None:
    """As `yes | nmtk translate -m RUN | head -3`: it answers before its input ends, and dies quietly."""
    with subprocess.Popen(["yes", "A dog runs."], stdout=subprocess.PIPE) as endless:
        with start(folder, "--buffer-size", 2, "--decode", "greedy", stdin=endless.stdout) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert len({process.stdout.readline() for _ in range(3)}) == 1
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(60) != 0
        endless.terminate()


@pytest.mark.parametrize(
    ("closed", "ended"),
    [("stdin", (0, "", "")), ("stdout", (1, "", "nmtk: error: standard output is closed: wanted a file, -o\n"))],
)
def test_a_stream_that_the_caller_has_closed_is_no_crash(
    closed: str,
    ended: tuple[int, str, str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """As `nmtk translate -m RUN <&-`: there is nothing to translate, or nowhere to put it."""
    monkeypatch.setattr(sys, "argv", ["nmtk", "translate", "-m", str(folder), *ON_CPU])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"A dog runs.\n")))
    monkeypatch.setattr(sys, closed, None)
    with pytest.raises(SystemExit) as exit_:
        main()
    sys.stdin.close()
    assert (exit_.value.code or 0, *capfd.readouterr()) == ended


def test_at_a_terminal_it_says_what_to_do_and_answers_line_by_line(folder: Path, bundle: Bundle) -> None:
    ours, terminal = pty.openpty()
    with start(folder, stdin=terminal) as process:
        os.close(terminal)
        assert process.stdout is not None
        assert process.stderr is not None
        for line in LINES[:2]:
            os.write(ours, f"{line}\n".encode())
            assert process.stdout.readline().decode() == answers(bundle, [line])
        os.write(ours, b"\x04")
        assert process.stdout.read() == b""
        assert b"Ctrl-D ends" in process.stderr.read()
        assert process.wait(60) == 0
    os.close(ours)


def test_a_terminal_on_both_sides_is_a_conversation_whose_lines_are_kept(
    folder: Path, bundle: Bundle, tmp_path: Path
) -> None:
    ours, terminal = pty.openpty()
    said = b""

    def hear(wanted: str) -> None:
        nonlocal said
        while wanted.encode() not in said:
            assert select([ours], [], [], 60)[0], f"wanted {wanted!r}, heard {said!r}"
            said += os.read(ours, 1000)
        said = said.partition(wanted.encode())[2]

    def answer(typed: str, wanted: str) -> None:
        hear("> ")  # what is typed before the prompt is there may be read as what it is not: Ctrl-D as a character
        os.write(ours, typed.encode())
        hear(wanted)

    state = {"XDG_STATE_HOME": str(tmp_path), "TERM": "dumb"}
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    with start(folder, env=state, **streams) as process:
        os.close(terminal)
        hear("type a line, then Enter; Ctrl-D ends; :help tells what else")
        answer(f"{LINES[0]}\n", "\n" + answers(bundle, LINES[:1]).rstrip())
        answer(":beem 8\n", "error: :beem: no such command; did you mean beam?")
        answer(":greedy\n", "\n")
        answer(f"{LINES[1]}\n", "\n" + answers(bundle, LINES[1:2], strategy=Greedy()).rstrip())
        answer("\x04", "\n")
        assert process.wait(60) == 0
    os.close(ours)
    assert LINES[1] in (tmp_path / "nmtk" / "history").read_text("utf-8")
