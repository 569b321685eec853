import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmtk.errors import DataError

ROOT = Path(__file__).parents[2]
VERBS = (
    "build-vocab",
    "train",
    "translate",
    "evaluate",
    "score",
    "compare",
    "average-checkpoints",
    "benchmark",
    "doctor",
    "recipe",
)
HEAVY = {"ctranslate2", "numpy", "pydantic", "rich", "sacrebleu", "sentencepiece", "torch", "transformers", "yaml"}
NMTK = [sys.executable, "-m", "nmtk"]


def start(*arguments: object, **settings: Any) -> subprocess.Popen[str]:
    return subprocess.Popen([*NMTK, *map(str, arguments)], stderr=subprocess.PIPE, text=True, cwd=ROOT, **settings)


def test_help_names_every_verb_and_no_alias(nmtk: Callable[..., Any]) -> None:
    ended = nmtk("--help")
    assert ended.code == 0
    assert ended.err == ""
    listed = [line.split()[0] for line in ended.out.partition("Commands:\n")[2].splitlines()]
    assert listed == list(VERBS)


@pytest.mark.parametrize("verb", [*VERBS, "decode", "predict"])
def test_every_verb_explains_itself(verb: str, nmtk: Callable[..., Any]) -> None:
    ended = nmtk(verb, "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: nmtk {verb} ")
    assert "[[" not in ended.out.splitlines()[0]  # Typer puts its own brackets around what may be left out


def test_help_imports_nothing_heavy() -> None:
    """What makes `nmtk --help` quick, tested by cause: a clock would depend on the machine."""
    code = (
        "import sys; from nmtk.cli.app import main; sys.argv = ['nmtk', '--help']\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "nmtk.cli.app" in ended.stderr.split()
    assert HEAVY & set(ended.stderr.split()) == set()


def test_scoring_a_file_brings_no_pytorch(tmp_path: Path) -> None:
    """It takes seconds to import, and most who score have a file."""
    for name in ("text", "other", "third"):
        (tmp_path / name).write_text(f"Ein {name}.\n")
    code = (
        "import sys; from nmtk.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    for verb in (["evaluate", "text", "-i", "other"], ["compare", "text", "-i", "other", "-i", "third"]):
        ended = subprocess.run(
            [sys.executable, "-c", code, *verb], capture_output=True, text=True, check=True, cwd=tmp_path
        )
        assert "BLEU" in ended.stdout
        assert "torch" not in ended.stderr.split()


def test_without_arguments_it_shows_help_and_fails(nmtk: Callable[..., Any]) -> None:
    ended = nmtk()
    assert ended.code == 2
    assert "Commands:" in ended.out + ended.err


def test_version() -> None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        wanted = version("nmtk")
    except PackageNotFoundError:
        pytest.skip("nmtk runs from its folder and is not installed")
    assert subprocess.run([*NMTK, "--version"], capture_output=True, text=True, cwd=ROOT).stdout == f"nmtk {wanted}\n"


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (["evalute"], "evaluate"),
        (["build-vocabulary"], "build-vocab"),
        (["evaluate", "ref", "--metrc", "bleu"], "--metric"),
    ],
)
def test_a_mistyped_word_is_wrong_usage_and_the_nearest_is_named(
    arguments: list[str], nearest: str, nmtk: Callable[..., Any]
) -> None:
    ended = nmtk(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert nearest in ended.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["evaluate", "-m", "one", "--model", "other"], "'-m' / '--model'"),
        (["compare", "one", "other", "-o", "a.html", "-o", "b.html"], "'--output' / '-o'"),
        (["train", "a", "-o", "one", "-o=other"], "'-o'"),
        (["recipe", "verify", "a", "-o", "one", "-o", "other"], "'-o'"),
    ],
)
def test_no_path_is_passed_over_for_a_later_one(arguments: list[str], option: str, nmtk: Callable[..., Any]) -> None:
    ended = nmtk(*arguments)
    assert ended.code == 2
    assert option.split("'")[1] in ended.err.splitlines()[-1]
    assert ended.err.endswith("found it more than once, wanted one path\n")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("a.de:7: wanted text"), 1, "nmtk: error: a.de:7: wanted text\n"),
        (DataError("one\ntwo"), 1, "nmtk: error: one two\n"),
        (OSError(28, "No space left on device"), 1, "nmtk: error: No space left on device\n"),
        (PermissionError(13, "Permission denied", "x/y"), 1, "nmtk: error: x/y: Permission denied\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_error_is_one_line_and_an_exit_code(
    error: BaseException, code: int, message: str, nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("nmtk.cli.app.app", fail)
    assert nmtk("evaluate") == (code, "", message)


def test_a_bug_is_not_dressed_up_as_an_error(nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("nmtk.cli.app.app", fail)
    with pytest.raises(ZeroDivisionError):
        nmtk("evaluate")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_text("Ein Satz.\n" * 3)
    return path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other"
    path.write_text("Ein Satz!\n" * 3)
    return path


def test_it_goes_quietly_when_its_reader_has_gone(text: Path, other: Path) -> None:
    with start("evaluate", text, "-i", other, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_told_in_one_line(text: Path, other: Path) -> None:
    with open("/dev/full", "w") as full, start("evaluate", text, "-i", other, stdout=full) as process:  # noqa: PTH123
        assert process.stderr
        assert process.stderr.read() == "nmtk: error: No space left on device\n"
    assert process.returncode == 1


@pytest.mark.skipif(os.name != "posix", reason="needs a named pipe")
def test_an_interrupt_ends_it_without_a_traceback(text: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # The pipe opens here when the command has opened it too; then it waits for text.
    with start("evaluate", text, "-i", pipe) as process, pipe.open("w"):
        process.send_signal(signal.SIGINT)
        assert process.stderr
        assert process.stderr.read() == ""
    assert process.returncode == 130
