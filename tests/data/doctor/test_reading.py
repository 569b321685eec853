"""Reading for the doctor gives the pairs that other readers give, and goes on where those stop."""

import gzip
from pathlib import Path

import pytest

from nmtk.data.doctor.reading import Reading
from nmtk.data.pairs import CHUNK, WHOLE, Sieve, file_chunks, tsv_chunks


def pairs(reading: Reading) -> list[tuple[str, str, int]]:
    return [row for portion in reading.portions() for row in zip(*portion.sides, portion.numbers, strict=True)]


@pytest.mark.parametrize("count", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 5])
@pytest.mark.parametrize("span", [(1, None), (3, None), (CHUNK, CHUNK + 1), (1, 1)])
def test_sound_files_are_read_as_ever(tmp_path: Path, count: int, span: tuple[int, int | None]) -> None:
    source, target, tsv = tmp_path / "s.gz", tmp_path / "t", tmp_path / "both"
    source.write_bytes(gzip.compress("".join(f"\u2028s {n}\r\n" for n in range(count)).encode()))
    target.write_text("".join(f"t {n}\n" for n in range(count)))
    tsv.write_text("".join(f"s {n}\tt {n}\n" for n in range(count)))
    if count < (span[1] or span[0]) and span != WHOLE:  # it has not the lines that are asked for
        reading = Reading((source, target), None, span)
        pairs(reading)
        assert [finding.fault for finding in reading.findings] == ["missing lines"]
        return
    wanted = [tuple(pair) for chunk in file_chunks(source, target, span) for pair in chunk]
    for paths in ((source, target), (tsv,)):
        reading = Reading(paths, None, span)
        found = pairs(reading)
        assert found == (
            wanted if len(paths) == 2 else [tuple(pair) for chunk in tsv_chunks(tsv, None, span) for pair in chunk]
        )
        assert reading.findings == []


def test_files_of_different_length(tmp_path: Path) -> None:
    source, target = tmp_path / "s", tmp_path / "t"
    source.write_text("a\n" * (CHUNK + 7))
    target.write_text("b\n" * (3 * CHUNK))
    reading = Reading((source, target))
    assert len(pairs(reading)) == CHUNK + 7
    (finding,) = reading.findings
    assert finding.says == f"{source} has {CHUNK + 7:,} lines and {target} has {3 * CHUNK:,}"
    assert finding.examples[0][:2] == (str(target), CHUNK + 8)


def test_lines_that_are_no_text(tmp_path: Path) -> None:
    source, target = tmp_path / "s", tmp_path / "t"
    source.write_bytes(b"one\ncaf\xe9\nthree\nfo\0ur\nfive\r\n")
    target.write_text("1\n2\n3\n4\n5\n")
    reading = Reading((source, target))
    assert pairs(reading) == [("one", "1", 1), ("three", "3", 3), ("five", "5", 5)]
    (finding,) = reading.findings
    assert (finding.fault, finding.times, finding.share) == ("no text", 2, 0.4)
    assert [example[1:] for example in finding.examples] == [
        (2, "invalid UTF-8 at byte 7: found e9"),
        (4, "NUL character at byte 17: wanted text"),
    ]


def test_lines_with_other_columns(tmp_path: Path) -> None:
    tsv = tmp_path / "x.tsv"
    tsv.write_text("a\tb\nc\nd\te\tf\n")
    reading = Reading((tsv,))
    assert pairs(reading) == [("a", "b", 1)]
    assert [example[1:] for example in reading.findings[0].examples] == [
        (2, "found 1, wanted 2: c"),
        (3, "found 3, wanted 2: d\te\tf"),
    ]
    reading = Reading((tsv,), (2, 3))
    assert pairs(reading) == [("e", "f", 3)]
    assert [example.text for example in reading.findings[0].examples] == [
        "found 2, wanted at least 3: a\tb",
        "found 1, wanted at least 3: c",
    ]


def test_a_file_that_is_cut_short(tmp_path: Path) -> None:
    source, target = tmp_path / "s.gz", tmp_path / "t"
    source.write_bytes(gzip.compress(b"".join(b"line %d\n" % n for n in range(50_000)))[:-2000])
    target.write_text("x\n" * 50_000)
    reading = Reading((source, target))
    read = len(pairs(reading))
    assert 0 < read < 50_000
    assert [finding.fault for finding in reading.findings] == ["damage", "line counts"]


@pytest.mark.parametrize("sieve", [Sieve(23), Sieve(2, others=True)])
def test_lines_that_are_not_meant_are_left_out(tmp_path: Path, sieve: Sieve) -> None:
    (tmp_path / "s").write_text("".join(f"s {n}\n" for n in range(CHUNK + 99)))
    (tmp_path / "both").write_text("".join(f"s {n}\ts {n}\n" for n in range(CHUNK + 99)))
    wanted = [(f"s {n}", f"s {n}", n + 1) for n in range(CHUNK + 99) if sieve.keeps(n + 1)]
    for paths in ((tmp_path / "s", tmp_path / "s"), (tmp_path / "both",)):
        assert pairs(Reading(paths, sieve=sieve)) == wanted
