import gzip
import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmtk.bundle import Bundle
from nmtk.cli.app import main
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.strategies import Beam, Greedy, Strategy
from nmtk.decoding.stream import Wishes
from nmtk.decoding.translator import Translator
from nmtk.errors import OptionsError
from nmtk.lines import read_lines
from tests.decoding.copying import copying_bundle, sentences

LINES = [*sentences(6, 1001), "", *sentences(3, 1002)]
TEXT = "".join(line + "\n" for line in LINES)
ON_CPU = ("--device", "cpu", "--precision", "float32")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return copying_bundle()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "copy"
    copying_bundle().save(path)
    return path


def answers(bundle: Bundle, lines: list[str] = LINES, **options: Any) -> str:
    return "".join(f"{line}\n" for line in Translator(bundle, DecodingOptions(**options)).translate_all(lines))


def test_translations_go_to_stdout_line_for_line_and_nothing_else(
    nmtk: Callable[..., Any], folder: Path, bundle: Bundle
) -> None:
    for arguments in ((), ("-i", "-", "-o", "-"), ("--buffer-size", 1), ("--buffer-size", 4, "--batch-tokens", 50)):
        ended = nmtk("translate", "-m", folder, *ON_CPU, "-q", *arguments, stdin=TEXT)
        assert ended == (0, answers(bundle), "")


@pytest.mark.parametrize("text", ["", "\n", "  \n\n", "dog", "A dog\r\nruns.\r\n"])
def test_as_many_lines_come_out_as_go_in(nmtk: Callable[..., Any], folder: Path, text: str) -> None:
    ended = nmtk("translate", "-m", folder, *ON_CPU, stdin=text)
    assert ended.code == 0
    assert ended.out.count("\n") == len(text.splitlines())


@pytest.mark.parametrize(
    ("arguments", "strategy"),
    [
        (("--decode", "greedy"), Greedy()),
        (("--beam-size", 1), Greedy()),
        (("-b", 3, "--length-penalty", "average"), Beam.parse({"width": 3, "penalty": "average"}, "")),
    ],
)
def test_the_search_that_was_asked_for_is_used(
    nmtk: Callable[..., Any], folder: Path, bundle: Bundle, arguments: tuple[Any, ...], strategy: Strategy
) -> None:
    ended = nmtk("translate", "-m", folder, *ON_CPU, *arguments, stdin=TEXT)
    assert ended.out == answers(bundle, strategy=strategy)


@pytest.mark.parametrize(
    ("own", "wishes", "strategy"),
    [
        ({}, Wishes(), {"kind": "beam"}),
        ({"strategy": "greedy"}, Wishes(), {"kind": "greedy"}),
        ({"strategy": "greedy"}, Wishes(beam_size=7), {"kind": "beam", "width": 7}),
        ({"strategy": "greedy"}, Wishes(decode="beam"), {"kind": "beam"}),
        ({"strategy": {"kind": "beam", "width": 9}}, Wishes(decode="greedy"), {"kind": "greedy"}),
        (
            {"strategy": {"kind": "beam", "width": 9, "penalty": "average", "stop": "exact"}},
            Wishes(alpha=0.5),
            {"kind": "beam", "width": 9, "penalty": {"kind": "average", "alpha": 0.5}, "stop": "exact"},
        ),
        (
            {"strategy": {"kind": "beam", "width": 9, "penalty": {"kind": "gnmt", "alpha": 1.5}}},
            Wishes(length_penalty="gnmt"),
            {"kind": "beam", "width": 9, "penalty": {"kind": "gnmt", "alpha": 1.5}},
        ),
        ({}, Wishes(length_penalty="none"), {"kind": "beam", "penalty": "none"}),
        ({}, Wishes(alpha=0.0), {"kind": "beam", "penalty": {"kind": "gnmt", "alpha": 0.0}}),
    ],
)
def test_what_is_not_asked_for_stays_as_the_model_has_it(
    own: dict[str, Any], wishes: Wishes, strategy: dict[str, Any]
) -> None:
    assert wishes.over(own) == DecodingOptions.parse({"strategy": strategy}, "wanted")


def test_the_models_own_options_are_checked() -> None:
    with pytest.raises(OptionsError, match=r"^the model's decoding options: unknown key beam; wanted one of strategy,"):
        Wishes().over({"beam": 4})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--decode", "greedy", "--beam-size", 4), "greedy search has no beam"),
        (("--length-penalty", "none", "--alpha", 1), "there is no alpha"),
        (("--beam-size", 0), "--beam-size"),
        (("--length-penalty", "avrage"), "avrage"),
        (("--precision", "int3"), "int3"),
    ],
)
def test_wrong_usage_ends_with_2(nmtk: Callable[..., Any], folder: Path, arguments: tuple[Any, ...], said: str) -> None:
    ended = nmtk("translate", "-m", folder, *arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert said in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-m", "{folder}s"), "copys: no such model folder; did you mean copy?"),
        (("-m", "{parent}"), "no model in this folder: wanted model.safetensors and options.yaml, or a run's model/"),
        (("-m", "{folder}", "-i", "{parent}/none.txt"), "none.txt: no such file"),
        (("-m", "{folder}", "-o", "{parent}", "--device", "cpu"), "cannot be written: Is a directory"),
        (("-m", "{folder}", "--alpha", "1000"), "strategy.penalty.alpha"),
        (("-m", "{folder}", "--device", "cuda:99"), "device: cuda:99 is not on this machine; here: "),
        (("-m", "{folder}", "--device", "gpu"), "device: found gpu, wanted auto, cpu, cuda, cuda:N or mps"),
    ],
)
def test_what_the_user_can_mend_is_one_line(
    nmtk: Callable[..., Any], folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended = nmtk("translate", *(one.format(folder=folder, parent=folder.parent) for one in arguments))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("nmtk: error: ")
    assert said in ended.err
    assert ended.err.count("\n") == 1


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


def start(folder: Path, *arguments: object, **streams: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "nmtk", "translate", "-m", str(folder), *ON_CPU, *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""},  # unbuffered, it could forget to flush
        **streams,
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
