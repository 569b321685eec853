import bz2
import gzip
import io
import lzma
import pickle
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
import zstandard

from nmtk.errors import DataError
from nmtk.lines import STANDARD, BlockReader, decode_lines, read_lines

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
}


def lines(data: bytes) -> list[str]:
    return list(decode_lines(io.BytesIO(data), "text"))


def in_blocks(path: Path, size: int) -> Iterator[str]:
    with BlockReader(path) as reader:
        while block := reader.read(size):
            yield from pickle.loads(pickle.dumps(block)).texts()


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a\n\nb", ["a", "", "b"]),
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\rb\n", ["a\rb"]),
        (b"a\r\r\n", ["a\r"]),
        (b"a\r", ["a\r"]),
        ("a\u2028b\u2029c\u0085d\x0b\x0c\x1c\x1d\x1ee\n".encode(), ["a\u2028b\u2029c\u0085d\x0b\x0c\x1c\x1d\x1ee"]),
        (b"a\tb\n", ["a\tb"]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", ["a", "\ufeffb"]),
        (b"\xef\xbb\xbf", [""]),
        (b"  a  \n", ["  a  "]),
        ("Grüße 😀\n".encode(), ["Grüße 😀"]),
    ],
)
def test_a_line_is_what_a_newline_ends(data: bytes, wanted: list[str]) -> None:
    assert lines(data) == wanted


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"good\nb\xffd\n", "text:2: invalid UTF-8 at byte 6: found ff"),
        (b"good\r\n\xe4\xb8\n", "text:2: invalid UTF-8 at byte 6: found e4 b8"),
        (b"\xef\xbb\xbfb\xffd\n", "text:1: invalid UTF-8 at byte 4: found ff"),
        (b"\xef\xbb\xbfb\n\xff", "text:2: invalid UTF-8 at byte 5: found ff"),
        (b"\xed\xa0\x80\n", "text:1: invalid UTF-8 at byte 0: found ed"),
        (b"a\n\n" + b"\0" * 4, "text:3: NUL character at byte 3: wanted text"),
        ("äö\0".encode(), "text:1: NUL character at byte 4: wanted text"),
    ],
)
def test_what_is_no_text_is_refused_with_line_and_byte(data: bytes, message: str) -> None:
    with pytest.raises(DataError) as error:
        lines(data)
    assert str(error.value) == message


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbfa\r\n\xef\xbb\xbfb\r\r\n\nc\r",
        "a\u2028b\x85\n\x0c\n".encode(),
        b"good\r\nb\xffd\nnever told \0",
        b"\xef\xbb\xbfgood\ngood\nb\0d\n",
        b"\xef\xbb\xbfb\xffd",
    ],
)
def test_blocks_hold_the_same_lines_and_the_same_faults(data: bytes, size: int, tmp_path: Path) -> None:
    def told(read: Iterable[str]) -> list[str]:
        found: list[str] = []
        try:
            found.extend(read)
        except DataError as error:
            found.append(str(error))
        return found

    (tmp_path / "text").write_bytes(data)
    assert told(in_blocks(tmp_path / "text", size)) == told(read_lines(tmp_path / "text"))


def test_the_first_lines_of_a_block_are_a_block(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"a\nb\nc")
    with BlockReader(tmp_path / "text") as reader:
        block = reader.read(10)
    assert block is not None
    assert [list(block.first(count).texts()) for count in (1, 2, 3)] == [["a"], ["a", "b"], ["a", "b", "c"]]


def test_lines_come_as_they_are_read() -> None:
    stream = decode_lines(iter([b"first\n", b"\xff\n"]), "text")
    assert next(stream) == "first"
    with pytest.raises(DataError, match=r"text:2"):
        next(stream)


def noise() -> bytes:
    draw = random.Random(1)
    return b"".join(b"%d\n" % draw.randrange(10**12) for _ in range(20_000))


@pytest.mark.parametrize("ending", COMPRESS)
def test_compressed_text_reads_as_plain(ending: str, tmp_path: Path) -> None:
    data, path = noise(), tmp_path / f"text{ending}"
    path.write_bytes(COMPRESS[ending](data))
    assert list(read_lines(path)) == data.decode().splitlines()


@pytest.mark.parametrize("ending", COMPRESS)
def test_compressed_parts_put_together_are_one_text(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"text{ending}"
    path.write_bytes(b"".join(map(COMPRESS[ending], [b"a\nb", b"", b"c\n", b"d\n" * 100_000])))
    assert list(read_lines(path)) == ["a", "bc", *["d"] * 100_000]


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("share", [0.0001, 0.5, 0.99999])
def test_compressed_text_cut_short_is_never_taken_for_whole(ending: str, share: float, tmp_path: Path) -> None:
    data, path = COMPRESS[ending](noise()), tmp_path / f"text{ending}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataError, match=r"cannot be read( after line \d+)?: Compressed file ended before") as error:
        list(read_lines(path))
    with pytest.raises(DataError) as same:
        list(in_blocks(path, 1000))
    assert str(same.value) == str(error.value)


@pytest.mark.parametrize("ending", COMPRESS)
def test_what_is_not_compressed_as_it_says_is_refused(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"text{ending}"
    path.write_bytes(b"plain text\n")
    with pytest.raises(DataError) as error:
        list(read_lines(path))
    assert str(error.value).startswith(f"{path}: cannot be read: ")


@pytest.mark.parametrize("ending", ["", *COMPRESS])
def test_a_missing_file_is_named(ending: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none.*: no such file$"):
        list(read_lines(tmp_path / f"none{ending}"))


def test_a_folder_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read: Is a directory$"):
        list(read_lines(tmp_path))


def test_standard_input_is_read_and_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"a\r\n\xff\n"))
    monkeypatch.setattr(sys, "stdin", stream)
    reader = read_lines(STANDARD)
    assert next(reader) == "a"
    with pytest.raises(DataError, match=r"^standard input:2: invalid UTF-8 at byte 3: found ff$"):
        next(reader)
    assert not stream.buffer.closed
