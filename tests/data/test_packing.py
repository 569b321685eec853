"""Laws of packing and opening a corpus."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from nmtk.data import encoding
from nmtk.data import pairs as reading
from nmtk.data.corpus import Corpus, read_header
from nmtk.data.filters import FilterOptions, Reason
from nmtk.data.held_out import HeldOut
from nmtk.data.packing import pack
from nmtk.data.pairs import Chunk, Pair, file_chunks, tsv_chunks
from nmtk.errors import DataError, NmtkError
from nmtk.vocabulary.vocabulary import Vocabularies

MakePairs = Callable[[int, int], list[Pair]]


def kept_by_definition(pairs: list[Pair], vocabularies: Vocabularies, filters: FilterOptions) -> list[Pair]:
    """What should be kept, one pair at a time."""
    kept: dict[tuple[str, str, int], Pair] = {}
    for pair in pairs:
        source, target = vocabularies.source.encode([pair.source])[0], vocabularies.target.encode([pair.target])[0]
        if filters.fault(pair, source, target) is None:
            kept.setdefault((pair.source, pair.target, 0 if filters.drop_duplicates else pair.line), pair)
    return list(kept.values())


def cut(pairs: Sequence[Pair], size: int) -> list[list[Pair]]:
    return [list(pairs[first : first + size]) for first in range(0, len(pairs), size)]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("seed", range(6))
def test_what_was_packed_opens_as_the_same_ids(
    tmp_path: Path, vocabularies: Vocabularies, some_pairs: MakePairs, seed: int
) -> None:
    """Under any filters and any size of chunk, and every pair that was read is either kept or counted."""
    rng = np.random.default_rng(seed)
    filters = FilterOptions(
        longest=int(rng.choice([1, 20, 100, 256])),
        ratio=float(rng.choice([1.0, 2.0, 9.0])),
        ratio_over=int(rng.choice([1, 10, 20])),
        drop_identical=bool(rng.integers(2)),
        drop_duplicates=bool(seed % 2),
    )
    pairs = some_pairs(300, seed)
    chunks = cut(pairs, int(rng.integers(1, 400)))
    kept = kept_by_definition(pairs, vocabularies, filters)
    told: list[tuple[int, int]] = []
    report = pack(iter(chunks), vocabularies, filters, tmp_path / "c", tell=lambda *counts: told.append(counts))
    corpus = Corpus.open(tmp_path / "c", vocabularies)

    rows = rng.permutation(len(corpus))
    for found, vocabulary, texts in (
        (corpus.source(rows), vocabularies.source, [pair.source for pair in kept]),
        (corpus.target(rows), vocabularies.target, [pair.target for pair in kept]),
    ):
        assert [ids.tolist() for ids in found.split()] == vocabulary.encode([texts[row] for row in rows])

    assert report.kept == len(corpus) == len(kept)
    assert report.read == len(pairs) == told[-1][0]
    assert told == sorted(told)
    assert told[-1][1] == len(kept)
    header = read_header(tmp_path / "c")
    assert header.pairs + sum(header.dropped.values()) == len(pairs)
    assert header.dropped == {reason: dropped.count for reason, dropped in report.dropped.items()}
    lines = {pair.line for pair in kept}
    for dropped in report.dropped.values():
        assert len(dropped.lines) == min(dropped.count, 5)
        assert lines.isdisjoint(dropped.lines)
    assert report.source.words == sum(len(pair.source.split()) for pair in kept)
    assert report.target.pieces == corpus.target(rows).lengths.sum()
    assert report.target.unknown == np.count_nonzero(corpus.target(rows).ids == vocabularies.target.unk)


def test_workers_write_the_same_bytes(
    tmp_path: Path, vocabularies: Vocabularies, some_pairs: MakePairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "ALONE", 2)
    filters = FilterOptions(drop_duplicates=True)
    pairs = some_pairs(1000, 3)
    held_out = HeldOut(pairs[500:510])
    one, two = (
        pack(cut(pairs, 50), vocabularies, filters, tmp_path / str(workers), held_out, workers) for workers in (1, 2)
    )
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    assert one == two
    assert one.dropped[Reason.DUPLICATE].count > 0
    assert one.dropped[Reason.HELD_OUT].count > 0


def test_few_chunks_wait_for_slow_workers(
    vocabularies: Vocabularies, some_pairs: MakePairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading runs at most two chunks a worker ahead of what was taken, or memory would grow with the corpus."""
    monkeypatch.setattr(encoding, "ALONE", 0)
    read = 0

    def counted() -> Iterator[Chunk]:
        nonlocal read
        for chunk in cut(some_pairs(1000, 4), 10):
            read += 1
            yield chunk

    chunks = encoding.encode(counted(), encoding.Encoder(vocabularies, FilterOptions()), workers=2)
    for taken in range(1, 6):
        next(chunks)
        assert read <= taken + 4
    chunks.close()


class DyingEncoder(encoding.Encoder):
    """Ends its process as a machine without memory would."""

    def __call__(self, chunk: Chunk, threads: int = 1) -> encoding.Encoded:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def test_a_dead_worker_is_an_error_and_not_a_wait(
    vocabularies: Vocabularies, some_pairs: MakePairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "ALONE", 0)
    chunks = encoding.encode([some_pairs(10, 0)], DyingEncoder(vocabularies, FilterOptions()), workers=2)
    with pytest.raises(NmtkError, match=r"a packing process died.*use fewer than 2"):
        list(chunks)


def test_the_digest_tells_other_data_and_is_stable(
    tmp_path: Path, vocabularies: Vocabularies, some_pairs: MakePairs
) -> None:
    """It is of what was kept: dropped pairs, the folder's name and the time leave no trace."""
    pairs = kept_by_definition(some_pairs(100, 5), vocabularies, FilterOptions(drop_duplicates=True))

    def digest(name: str, of: list[Pair]) -> str:
        pack([of], vocabularies, FilterOptions(), tmp_path / name)
        return Corpus.open(tmp_path / name, vocabularies).digest

    whole = digest("a", pairs)
    assert whole == digest("b", [*pairs, Pair("", "", 101)])
    swapped = [pairs[1], pairs[0], *pairs[2:]]
    assert len({whole, digest("c", swapped), digest("d", pairs[:-5])}) == 3


def test_odd_text_goes_through_whole(tmp_path: Path, vocabularies: Vocabularies) -> None:
    (tmp_path / "s").write_bytes(b"\xef\xbb\xbf" + "ein\rHaus\r\nam\u2028Fluss\r\ndie\tKatze\r\n\r\nheute".encode())
    (tmp_path / "t").write_bytes("a\u0085house\nthe\x0criver\nthe cat\nnothing\ntoday\n".encode())
    report = pack(file_chunks(tmp_path / "s", tmp_path / "t"), vocabularies, FilterOptions(), tmp_path / "c")
    assert report.dropped[Reason.EMPTY].lines == [4]
    corpus = Corpus.open(tmp_path / "c", vocabularies)
    sources = ["ein\rHaus", "am\u2028Fluss", "die\tKatze", "heute"]
    assert [ids.tolist() for ids in corpus.source(np.arange(4)).split()] == vocabularies.source.encode(sources)


@pytest.mark.parametrize("fault", ["utf8", "nul", "unequal", "columns"])
def test_bad_text_leaves_nothing_and_what_stood_there_stays(
    tmp_path: Path, vocabularies: Vocabularies, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """The fault comes after some chunks were written."""
    monkeypatch.setattr(reading, "CHUNK", 4)
    good = b"ein Haus\n" * 20
    (tmp_path / "s").write_bytes(good)
    (tmp_path / "t").write_bytes({"utf8": good + b"\xc3(\n", "nul": good + b"\0\n"}.get(fault, good[:-9]))
    (tmp_path / "p").write_bytes(b"a\tb\n" * 20 + b"a\n")

    def bad() -> Iterator[Chunk]:
        return tsv_chunks(tmp_path / "p") if fault == "columns" else file_chunks(tmp_path / "s", tmp_path / "t")

    with pytest.raises(DataError):
        pack(bad(), vocabularies, FilterOptions(), tmp_path / "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p", "s", "t"]

    pack([[Pair("Haus", "house", 1)]], vocabularies, FilterOptions(), tmp_path / "c")
    before = contents(tmp_path / "c")
    with pytest.raises(DataError):
        pack(bad(), vocabularies, FilterOptions(), tmp_path / "c")
    assert contents(tmp_path / "c") == before


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("end", [b"a\n", b"", b"\xff\n"])
def test_the_first_fault_is_told_wherever_it_is_found(
    tmp_path: Path, vocabularies: Vocabularies, monkeypatch: pytest.MonkeyPatch, workers: int, end: bytes
) -> None:
    """A worker finds it, while the reading process has met the end of a file that is cut short."""
    monkeypatch.setattr(reading, "CHUNK", 4)
    monkeypatch.setattr(encoding, "ALONE", 1)
    (tmp_path / "s").write_bytes(b"ein Haus\n" * 10 + b"Katze \xc3(\n" + b"\xff\n" * 3)
    (tmp_path / "t").write_bytes(b"a house\n" * 11 + b"\0\n" + end)
    with pytest.raises(DataError) as error:
        pack(file_chunks(tmp_path / "s", tmp_path / "t"), vocabularies, FilterOptions(), tmp_path / "c", None, workers)
    assert str(error.value) == f"{tmp_path / 's'}:11: invalid UTF-8 at byte 96: found c3"


def test_a_small_corpus_starts_no_process(
    tmp_path: Path, vocabularies: Vocabularies, some_pairs: MakePairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "ProcessPoolExecutor", None)
    pairs = some_pairs(160, 1)
    pack(cut(pairs, 10), vocabularies, FilterOptions(), tmp_path / "small", workers=2)
    with pytest.raises(TypeError):
        pack(cut(pairs, 9), vocabularies, FilterOptions(), tmp_path / "large", workers=2)


KILLED = """
import os, signal, sys
from pathlib import Path
import pickle
from nmtk.data.filters import FilterOptions
from nmtk.data.packing import pack
from nmtk.data.pairs import Pair

def endless():
    while True:
        yield [Pair("ein Haus", "a house", 1)] * 4096

def tell(read, kept):
    if read > 100_000:
        print("packing", flush=True)

if __name__ == "__main__":
    folder, workers = Path(sys.argv[1]), int(sys.argv[2])
    pack(endless(), pickle.loads((folder / "v").read_bytes()), FilterOptions(), folder / "c", None, workers, tell)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_packing_leaves_nothing_that_opens(tmp_path: Path, vocabularies: Vocabularies, workers: int) -> None:
    """Nor processes: a worker's end of the pipe would stay open with it, and reading to its end would wait."""
    (tmp_path / "v").write_bytes(pickle.dumps(vocabularies))
    (tmp_path / "run.py").write_text(KILLED)
    command = [sys.executable, str(tmp_path / "run.py"), str(tmp_path), str(workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "packing\n"
        process.kill()
        process.communicate(timeout=20)
    with pytest.raises(DataError, match=r"no packed corpus here"):
        Corpus.open(tmp_path / "c", vocabularies)
    pack([[Pair("Haus", "house", 1)]], vocabularies, FilterOptions(), tmp_path / "c")
    assert len(Corpus.open(tmp_path / "c", vocabularies)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "run.py", "v"]


def test_nothing_left_is_an_error_that_says_why(tmp_path: Path, vocabularies: Vocabularies) -> None:
    pairs = [Pair("", "b", 1), Pair("a", "", 2), Pair("ein Haus am Fluss", "a", 3)]
    with pytest.raises(DataError) as error:
        pack([pairs], vocabularies, FilterOptions(longest=1), tmp_path / "c")
    counts = "dropped 2 empty (lines 1, 2), 1 too long (line 3)"
    assert str(error.value) == f"{tmp_path / 'c'}: no pair left to pack, of 3 that were read: {counts}"
    with pytest.raises(DataError, match=r"of 0 that were read$"):
        pack([], vocabularies, FilterOptions(), tmp_path / "c")
    assert not list(tmp_path.iterdir())


def test_the_report_is_for_people(tmp_path: Path, vocabularies: Vocabularies) -> None:
    pairs = [Pair("ein Haus", "漢" if line == 9 else "house", line) for line in range(1, 11)]
    pairs += [Pair("", "x", line) for line in range(11, 18)]
    report = pack([pairs], vocabularies, FilterOptions(), tmp_path / "c")
    first, dropped, source, target = report.lines()
    assert first == "pairs: 17 read, 10 kept (58.8%)"
    assert dropped == "dropped: 7 empty (lines 11, 12, 13, 14, 15, ...)"
    assert source == f"source: {report.source.pieces} pieces, {report.source.pieces / 20:.2f} a word"
    assert target.endswith(", 1 unknown")
