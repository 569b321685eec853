import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from nmtk.translation.output import FRAME, Framed, frame_of, opened, pack_of

RECORDS = [f"record {number}\n".encode() * (number % 3) for number in range(50)]
OPEN: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".bz2": bz2.decompress,
    ".zst": lambda data: zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read(),
}
each_ending = pytest.mark.parametrize("ending", OPEN)


def framed(records: list[bytes], ending: str, size: int) -> bytes:
    file = io.BytesIO()
    with Framed(file, pack_of(f"out{ending}"), size) as frames:
        for record in records:
            frames.write(record)
    assert frames.count == len(records)
    return file.getvalue()


@each_ending
@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_what_is_written_in_frames_is_read_as_one(ending: str, size: int) -> None:
    assert OPEN[ending](framed(RECORDS, ending, size)) == b"".join(RECORDS)


@each_ending
def test_files_cut_between_frames_are_the_same_bytes_end_to_end(ending: str) -> None:
    parts = [framed(RECORDS[first : first + 14], ending, 7) for first in range(0, 50, 14)]
    assert b"".join(parts) == framed(RECORDS, ending, 7)


@each_ending
def test_nothing_is_a_file_too(ending: str, tmp_path: Path) -> None:
    output = tmp_path / f"out{ending}"
    with opened(output, 8):
        pass
    assert OPEN[ending](output.read_bytes()) == b""


def test_records_are_handed_on_frame_by_frame() -> None:
    file = io.BytesIO()
    frames = Framed(file, None, 2)
    assert [frames.write(b"x") for _ in range(5)] == [False, True, False, True, False]
    assert file.getvalue() == b"xxxx"


@pytest.mark.parametrize("buffer", [1, 100, 1024, 5000])
def test_a_frame_is_a_whole_number_of_buffers(buffer: int) -> None:
    assert frame_of(buffer, None) == buffer
    size = frame_of(buffer, pack_of("out.xz"))
    assert size % buffer == 0
    assert FRAME <= size < FRAME + buffer or size == buffer
