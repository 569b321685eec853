import bz2
import gzip
import inspect
import io
import lzma
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
import zstandard

from nmtk.cli.build_vocab import build_vocab
from nmtk.vocabulary.learn import VocabularyOptions
from nmtk.vocabulary.vocabulary import Vocabulary

WORDS = [
    "ein",
    "kleiner",
    "Satz",
    "über",
    "das",
    "Haus",
    "am",
    "Fluss",
    "mit",
    "roten",
    "Türen",
    "und",
    "zwei",
    "alten",
    "Bäumen",
    "davor",
]
TEXT = "".join(f"{' '.join(WORDS[i % 7 : 7 + i % 9])} {i * 37}\n" for i in range(200))
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
    "": bytes,
}
SMALL = ("--size", 340)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "made" / "vocabulary.model"


def test_every_way_in_gives_the_same_model(nmtk: Callable[..., Any], tmp_path: Path, output: Path) -> None:
    models = set()
    for ending, compress in COMPRESS.items():
        (tmp_path / f"text{ending}").write_bytes(compress(TEXT.encode()))
        ended = nmtk("build-vocab", tmp_path / f"text{ending}", "-o", output, *SMALL)
        assert (ended.code, ended.out) == (0, "")
        models.add(output.read_bytes())
    for files in ([], ["-"]):
        ended = nmtk("build-vocab", *files, "-o", output, *SMALL, stdin=TEXT)
        assert (ended.code, ended.out) == (0, "")
        models.add(output.read_bytes())
    assert len(models) == 1


def test_a_named_pipe_is_read_once(nmtk: Callable[..., Any], tmp_path: Path, output: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(TEXT,))
    writer.start()
    ended = nmtk("build-vocab", pipe, "-o", output, *SMALL)
    writer.join()
    assert (ended.code, ended.out) == (0, "")
    assert " 200 " in ended.err


def test_the_report_has_a_row_for_each_file(nmtk: Callable[..., Any], tmp_path: Path, output: Path) -> None:
    (tmp_path / "one").write_text(TEXT)
    (tmp_path / "two").write_text("ein kleiner Satz\n😀😀😀\n")
    ended = nmtk("build-vocab", tmp_path / "one", tmp_path / "two", "-o", output, *SMALL, "--coverage", 0.99)
    title, head, one, two = ended.err.splitlines()
    assert title == f"{output}: 340 unigram pieces from 202 lines"
    assert head.split() == ["file", "lines", "pieces/word", "pieces/line", "coverage"]
    assert one.split()[:2] == [str(tmp_path / "one"), "200"]
    # 17 characters of which three are emoji that got no piece.
    assert two.split()[-2:] == ["82.352", "%"]


def test_the_options_reach_the_model(nmtk: Callable[..., Any], output: Path) -> None:
    settings = ["--kind", "bpe", "--no-byte-fallback", "--symbol", "<x>", "--symbol", "<y>"]
    settings += ["--normalisation", "nfkc_cf", "--sample", "1k", "--size", "0.1k", "--coverage", "1", "--seed", "7"]
    assert nmtk("build-vocab", "-o", output, *settings, stdin=TEXT).code == 0
    vocabulary = Vocabulary.load(output)
    assert (len(vocabulary), vocabulary.kind) == (100, "bpe")
    assert vocabulary.pieces([4, 5]) == ["<x>", "<y>"]
    assert "<0x00>" not in vocabulary.pieces(range(100))
    assert vocabulary.decode(vocabulary.encode(["EIN Satz"])) == ["ein satz"]


def test_help_tells_the_true_defaults() -> None:
    for name, parameter in inspect.signature(build_vocab).parameters.items():
        shown = getattr(get_args(parameter.annotation)[1], "show_default", None)
        if name == "byte_fallback":
            assert (shown == "byte-fallback") is VocabularyOptions().byte_fallback
        elif isinstance(shown, str):
            value = float(shown) if name == "coverage" else int(shown) if name == "seed" else shown
            assert VocabularyOptions.parse({name: value}, "help") == VocabularyOptions(), name
        else:
            assert name in ("output", "files", "symbol")


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        (b"", (), "no text to learn a vocabulary from: every line is empty"),
        (b"good\nb\xffd\n", (), "{text}:2: invalid UTF-8 at byte 6: found ff"),
        (TEXT.encode(), ("--size", "1M"), "vocabulary size 1000000 is too large for this text: at most"),
        (TEXT.encode(), ("--size", 10), "vocabulary size 10 is too small: at least"),
        (TEXT.encode(), ("--size", "many"), 'build-vocab: size: found "many", wanted a whole number'),
        (TEXT.encode(), ("--kind", "bep"), 'build-vocab: kind: found "bep", wanted one of unigram, bpe, char; did'),
        (TEXT.encode(), ("--symbol", "a b"), "build-vocab: symbols: found 'a b', wanted a symbol without spaces"),
        (None, (), "{text}: no such file"),
    ],
)
def test_a_failure_is_one_line_and_leaves_what_was_there(
    text: bytes | None, settings: tuple[object, ...], message: str, nmtk: Callable[..., Any], tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "text").write_bytes(text)
    output = tmp_path / "folder" / "v.model"
    output.parent.mkdir()
    output.write_text("old")
    ended = nmtk("build-vocab", tmp_path / "text", "-o", output, *settings)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("nmtk: error: " + message.format(text=tmp_path / "text"))
    assert ended.err.count("\n") == 1
    assert [path.name for path in output.parent.iterdir()] == ["v.model"]
    assert output.read_text() == "old"


@pytest.mark.parametrize(
    "arguments", [(), ("-o", "-"), ("-o", "v.model", "--coverage", "x"), ("-o", "v.model", "--no-such")]
)
def test_wrong_usage_is_2(arguments: tuple[str, ...], nmtk: Callable[..., Any], tmp_path: Path) -> None:
    ended = nmtk("build-vocab", *arguments, stdin=TEXT)
    assert (ended.code, ended.out) == (2, "")


def test_a_terminal_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, output: Path) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(typer.BadParameter, match="no files, and standard input is a terminal"):
        build_vocab(output)


def test_a_model_never_takes_the_place_of_the_text(
    nmtk: Callable[..., Any], tmp_path: Path, redirected: Callable[[int, Path], None]
) -> None:
    text = tmp_path / "text"
    text.write_text(TEXT)
    said = f"nmtk: error: --output: found {text}, which is one of FILES too: wanted another file\n"
    assert nmtk("build-vocab", text, "-o", text, *SMALL) == (1, "", said)
    redirected(0, text)
    assert nmtk("build-vocab", "-o", text, *SMALL) == (1, "", said)
    assert text.read_text() == TEXT
