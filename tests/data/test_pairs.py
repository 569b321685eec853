"""Laws of reading parallel text."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard

from nmtk.data import pairs
from nmtk.data.pairs import WHOLE, Pair, Span, TaggedChunk, file_chunks, read_files, tsv_chunks
from nmtk.errors import DataError
from nmtk.lines import STANDARD

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.compress,
}


def read_tsv(path: Path, columns: tuple[int, int] | None = None, span: Span = WHOLE) -> Iterator[Pair]:
    return chain.from_iterable(tsv_chunks(path, columns, span))


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("ending", PACKERS)
def test_line_i_goes_with_line_i_in_any_compression(tmp_path: Path, ending: str) -> None:
    source = write(tmp_path / f"s{ending}", PACKERS[ending](b"".join(b"s%d\n" % i for i in range(1, 5001))))
    target = write(tmp_path / f"t{ending}", PACKERS[ending](b"".join(b"t%d\n" % i for i in range(1, 5001))))
    assert list(read_files(source, target)) == [Pair(f"s{i}", f"t{i}", i) for i in range(1, 5001)]


def test_only_a_newline_ends_a_line(tmp_path: Path) -> None:
    """U+2028, U+0085, form feed, vertical tab and a lone CR would shift every later pair if they did."""
    odd = "a\u2028b\u0085c\fd\ve\rf\x1cg\tTAB"
    source = write(tmp_path / "s", f"{odd}\nlast".encode())
    target = write(tmp_path / "t", b"one\ntwo\n")
    assert list(read_files(source, target)) == [Pair(odd, "one", 1), Pair("last", "two", 2)]


def test_windows_files_read_like_unix_files(tmp_path: Path) -> None:
    unix = write(tmp_path / "unix", "äh\n\nzwei\n".encode())
    windows = write(tmp_path / "windows", b"\xef\xbb\xbf" + "äh\r\n\r\nzwei".encode())
    assert [pair.source for pair in read_files(windows, unix)] == [pair.target for pair in read_files(windows, unix)]
    tsv = write(tmp_path / "tsv", b"\xef\xbb\xbf" + "äh\tah\r\n".encode())
    assert list(read_tsv(tsv)) == [Pair("äh", "ah", 1)]


@pytest.mark.parametrize("lines", [(3, 0), (0, 3), (7, 5), (5, 7), (5, 6), (6, 5)])
def test_unequal_files_are_counted_to_their_ends(tmp_path: Path, lines: tuple[int, int]) -> None:
    source, target = (write(tmp_path / name, b"x\n" * count) for name, count in zip("st", lines, strict=True))
    with pytest.raises(DataError) as error:
        list(read_files(source, target))
    assert str(error.value) == f"{source} has {lines[0]} lines and {target} has {lines[1]}: wanted as many in both"


def test_empty_files_hold_no_pairs(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty", b"")
    assert list(read_files(empty, empty)) == list(read_tsv(empty)) == []


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"ok\nb\xffd\n", ":2: invalid UTF-8 at byte 4: found ff"),
        (b"ok\nb\0d\n", ":2: NUL character at byte 4: wanted text"),
    ],
)
@pytest.mark.parametrize("side", [0, 1])
def test_what_is_no_text_is_refused_with_its_place(tmp_path: Path, bad: bytes, message: str, side: int) -> None:
    paths = [write(tmp_path / "good", b"a\nb\n"), write(tmp_path / "good2", b"a\nb\n")]
    paths[side] = write(tmp_path / "bad", bad)
    with pytest.raises(DataError) as error:
        list(read_files(*paths))
    assert str(error.value) == f"{paths[side]}{message}"


def test_a_missing_side_is_named(tmp_path: Path) -> None:
    there, missing = write(tmp_path / "there", b"a\n"), tmp_path / "missing"
    for paths in ((there, missing), (missing, there)):
        with pytest.raises(DataError, match=r"missing: no such file"):
            list(read_files(*paths))


def test_both_sides_cannot_come_from_standard_input() -> None:
    with pytest.raises(DataError, match="standard input for both sides"):
        next(read_files(STANDARD, STANDARD))


def test_pairs_are_read_as_they_are_wanted(tmp_path: Path) -> None:
    """The first pairs come before a fault that stands megabytes later is met."""
    source = write(tmp_path / "s", b"x\n" * 2_000_000 + b"\xff\n")
    pairs = read_files(source, write(tmp_path / "t", b"y\n"))
    assert next(pairs) == Pair("x", "y", 1)
    pairs.close()  # type: ignore[attr-defined]


def test_tsv_holds_both_sides(tmp_path: Path) -> None:
    path = write(tmp_path / "p.tsv", 'a "b\tc"\n\t\nd\u2028\te\r\n'.encode())
    assert list(read_tsv(path)) == [Pair('a "b', 'c"', 1), Pair("", "", 2), Pair("d\u2028", "e", 3)]


def test_tsv_comes_from_standard_input_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"a\tb\nc\n")))
    pairs = read_tsv(STANDARD)
    assert next(pairs) == Pair("a", "b", 1)
    with pytest.raises(DataError, match=r"^standard input:2: found 1 column, wanted 2"):
        next(pairs)


@pytest.mark.parametrize(("line", "found"), [(b"", "1 column"), (b"one", "1 column"), (b"a\tb\tc", "3 columns")])
def test_tsv_wants_two_columns(tmp_path: Path, line: bytes, found: str) -> None:
    path = write(tmp_path / "p.tsv", b"a\tb\n" + line + b"\n")
    with pytest.raises(DataError) as error:
        list(read_tsv(path))
    assert str(error.value).startswith(f"{path}:2: found {found}, wanted 2: source TAB target")


def test_tsv_columns_are_named_from_one(tmp_path: Path) -> None:
    path = write(tmp_path / "p.tsv", b"id\ten\tde\t0.9\nid\ten2\tde2\n")
    assert list(read_tsv(path, columns=(3, 2))) == [Pair("de", "en", 1), Pair("de2", "en2", 2)]
    with pytest.raises(DataError, match=r"p\.tsv:2: found 3 columns, wanted at least 4"):
        list(read_tsv(path, columns=(1, 4)))
    for columns in ((0, 1), (2, 2)):
        with pytest.raises(DataError, match="wanted two, counted from 1"):
            list(read_tsv(path, columns=columns))


@pytest.mark.parametrize("chunk", [1, 3, 4, 100])
@pytest.mark.parametrize("span", [(1, None), (1, 4), (3, 7), (4, 4), (5, None), (10, 10)])
def test_a_span_of_lines_is_read_across_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, span: tuple[int, int | None]
) -> None:
    """And nothing of what stands after it: a longer file, or no text at all."""
    monkeypatch.setattr(pairs, "CHUNK", chunk)
    first, last = span
    source = write(tmp_path / "s", b"".join(b"s%d\n" % i for i in range(1, 11)) + b"\xff\n" * (last is not None))
    target = write(tmp_path / "t", b"".join(b"t%d\n" % i for i in range(1, 11)))
    tsv = write(tmp_path / "p", b"".join(b"s%d\tt%d\n" % (i, i) for i in range(1, 11)))
    wanted = [Pair(f"s{i}", f"t{i}", i) for i in range(first, (last or 10) + 1)]
    assert list(chain.from_iterable(file_chunks(source, target, span))) == list(read_tsv(tsv, span=span)) == wanted
    assert max(len(list(part)) for part in file_chunks(source, target, span)) <= chunk


@pytest.mark.parametrize(("span", "lines"), [((2, 11), "2-11"), ((11, None), "11-")])
def test_lines_that_are_not_there_are_told(tmp_path: Path, span: tuple[int, int | None], lines: str) -> None:
    path = write(tmp_path / "s", b"a\tb\n" * 10)
    for read in (chain.from_iterable(file_chunks(path, path, span)), read_tsv(path, span=span)):
        with pytest.raises(DataError, match=f"s: has 10 lines, wanted lines {lines}$"):
            list(read)


def test_a_tag_stands_before_each_source_that_is_not_empty(tmp_path: Path) -> None:
    source, target = write(tmp_path / "s", b"one\n\n \nfour\n"), write(tmp_path / "t", b"eins\nzwei\ndrei\nvier\n")
    tagged = [pair for chunk in file_chunks(source, target) for pair in TaggedChunk(chunk, "<BT>")]
    assert [pair.source for pair in tagged] == ["<BT> one", "", " ", "<BT> four"]
    assert [(pair.target, pair.line) for pair in tagged] == [("eins", 1), ("zwei", 2), ("drei", 3), ("vier", 4)]
