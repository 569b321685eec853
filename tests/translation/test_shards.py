import gzip
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from nmtk.documents import Document
from nmtk.errors import DataError, NmtkError, OptionsError
from nmtk.lines import BOM, STANDARD
from nmtk.translation import parts, shards
from nmtk.translation.shards import Shard, count_lines, opened_work, own_device, read_range


@pytest.mark.parametrize("total", [0, 1, 7, 64, 1000])
@pytest.mark.parametrize("of", [1, 2, 3, 16])
@pytest.mark.parametrize("frame", [1, 7, 64])
def test_shards_are_whole_frames_and_together_all_lines(total: int, of: int, frame: int) -> None:
    ranges = [Shard(number, of).lines(total, frame) for number in range(1, of + 1)]
    assert list(itertools.chain.from_iterable(ranges)) == list(range(total))
    assert all(one.start % frame == 0 for one in ranges if one)
    sizes = [-(-len(one) // frame) for one in ranges]
    assert max(sizes) - min(sizes) <= 1


def test_a_shard_is_written_as_a_part_of_so_many() -> None:
    assert Shard.parse("3/16") == Shard(3, 16)
    assert str(Shard(3, 16)) == "3/16"
    for text in ("0/4", "5/4", "1", "1/", "/2", "a/b", "1/2/3", "-1/2", ""):
        with pytest.raises(OptionsError, match=rf"^--shard: found {text}, wanted a part and their number"):
            Shard.parse(text)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_range_of_lines_is_what_it_is_in_the_whole(tmp_path: Path, ending: str) -> None:
    lines = [f"line {number}\u2028\r" * (number % 4) for number in range(30)]
    data = BOM + "\n".join(lines).encode()
    path = tmp_path / f"in{ending}"
    path.write_bytes(gzip.compress(data) if ending else data)
    assert count_lines(path) == 30
    whole = list(read_range(path, 0, None))
    assert [line.rstrip("\r") for line in whole] == [line.rstrip("\r") for line in lines]
    for first, stop in ((0, 7), (7, 7), (7, 29), (29, 30), (3, None)):
        assert list(read_range(path, first, stop)) == whole[first:stop]


def test_a_fault_is_named_with_its_line_in_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"a\nb\nc\nd\xff\ne\n")
    assert list(read_range(tmp_path / "in", 4, 5)) == ["e"]
    with pytest.raises(DataError, match=r"in:4: invalid UTF-8 at byte 7: found ff"):
        list(read_range(tmp_path / "in", 2, 5))


def task() -> Document:
    return {"model": "upper"}


def answer(
    source: Path,
    output: Path,
    resume: bool = False,
    shard: Shard | None = None,
    count: int | None = None,
    crash: bool = False,
) -> None:
    """Upper-case, with the number of each line. count: answers to be given whatever the lines; crash: after them."""
    with opened_work(source, output, task, 4, resume, shard) as work:
        answers = [f"{number} {line.upper()}\n".encode() for number, line in enumerate(work.lines, work.first)]
        for record in answers if count is None else [*answers, b"\n"][:count]:
            work.answers.write(record)
        if crash:
            raise ZeroDivisionError


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "in").write_text("".join(f"line {number}\n" for number in range(30)))
    return tmp_path / "in"


def as_rank(monkeypatch: pytest.MonkeyPatch, rank: int, world: int) -> None:
    for name, value in (("RANK", rank), ("LOCAL_RANK", rank), ("WORLD_SIZE", world)):
        monkeypatch.setenv(name, str(value))


@pytest.mark.parametrize("name", ["out", "out.xz", "out.gz", "out.bz2", "out.zst"])
@pytest.mark.parametrize("of", [1, 2, 3, 9])
def test_shards_and_ranks_make_the_bytes_of_one_process(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, of: int
) -> None:
    monkeypatch.setattr("nmtk.translation.output.FRAME", 8)
    whole = tmp_path / f"whole-{name}"
    answer(source, whole)
    by_hand = []
    for number in range(1, of + 1):
        answer(source, tmp_path / f"{number}-{name}", shard=Shard(number, of))
        by_hand.append((tmp_path / f"{number}-{name}").read_bytes())
    assert b"".join(by_hand) == whole.read_bytes()
    for rank in reversed(range(of)):
        as_rank(monkeypatch, rank, of)
        answer(source, tmp_path / name)
    assert (tmp_path / name).read_bytes() == whole.read_bytes()
    assert not [path.name for path in tmp_path.iterdir() if "-of-" in path.name or "part" in path.name]


@pytest.mark.parametrize("name", ["out", "out.xz", "out.gz"])
def test_no_lines_make_a_file_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "in").touch()
    for rank in (1, 0):
        as_rank(monkeypatch, rank, 2)
        answer(tmp_path / "in", tmp_path / name)
    assert count_lines(tmp_path / name) == 0
    assert bool((tmp_path / name).stat().st_size) == (name != "out")


@pytest.mark.parametrize("name", ["out", "out.xz", "out.gz"])
def test_shards_of_no_lines_at_all_make_the_bytes_of_one_process(tmp_path: Path, name: str) -> None:
    source, whole, parts = tmp_path / "in", tmp_path / f"whole-{name}", []
    source.touch()
    answer(source, whole)
    for number in (1, 2):
        answer(source, tmp_path / name, shard=Shard(number, 2))
        parts.append((tmp_path / name).read_bytes())
    assert b"".join(parts) == whole.read_bytes()


def test_started_again_a_rank_that_was_done_has_nothing_to_do(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_rank(monkeypatch, 1, 2)
    answer(source, tmp_path / "out")
    with pytest.raises(NmtkError, match="go on with --resume"):
        answer(source, tmp_path / "out")
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    before = (tmp_path / "out.1-of-2").read_bytes()
    answer(source, tmp_path / "out")
    assert (tmp_path / "out.1-of-2").read_bytes() == before
    as_rank(monkeypatch, 0, 2)
    answer(source, tmp_path / "out")
    assert count_lines(tmp_path / "out") == 30


@pytest.mark.parametrize("other", ["nobody came", "it died", "it was of other work"])
def test_the_first_rank_does_not_wait_for_ever(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    monkeypatch.setattr(shards, "PATIENCE", 0.3)
    monkeypatch.setattr(parts, "EVERY", 0.0)
    as_rank(monkeypatch, 1, 2)
    if other == "it was of other work":
        monkeypatch.setitem(task.__globals__, "task", lambda: {"model": "lower"})
        answer(source, tmp_path / "out")
        monkeypatch.undo()
        monkeypatch.setattr(shards, "PATIENCE", 0.3)
    elif other == "it died":
        with pytest.raises(ZeroDivisionError):
            answer(source, tmp_path / "out", count=9, crash=True)
        assert (tmp_path / "out.1-of-2").exists()
    as_rank(monkeypatch, 0, 2)
    with pytest.raises(NmtkError, match=r"out.1-of-2: no process has written it for 0 s: one has died, or not all"):
        answer(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "out.0-of-2").exists()


@pytest.mark.parametrize("lines", [29, 31])
def test_as_many_answers_as_lines_or_an_error(source: Path, tmp_path: Path, lines: int) -> None:
    with pytest.raises(DataError, match=rf"in: {lines} answers to 30 lines$"):
        answer(source, tmp_path / "out", count=lines)
    assert not (tmp_path / "out").exists()


def test_a_file_that_shrinks_meanwhile_is_an_error(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "count_lines", lambda path: 40)
    with pytest.raises(DataError, match=r"in: 10 lines where 20 were counted: it has changed$"):
        answer(source, tmp_path / "out", shard=Shard(2, 2))


def test_streams_are_refused_where_files_are_needed(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OptionsError, match=r"^--shard: found standard input to read, wanted a file: -i FILE$"):
        answer(STANDARD, tmp_path / "out", shard=Shard(1, 2))
    with pytest.raises(OptionsError, match=r"^--resume: found standard output to write to, wanted a file: -o FILE$"):
        answer(source, STANDARD, resume=True)
    with pytest.raises(DataError, match=r"none: no such file$"):
        answer(tmp_path / "none", tmp_path / "out", resume=True)
    as_rank(monkeypatch, 0, 2)
    with pytest.raises(OptionsError, match=r"^torchrun: found standard input to read"):
        answer(STANDARD, tmp_path / "out")
    with pytest.raises(OptionsError, match=r"^--shard: torchrun gives each process its lines: leave it out$"):
        answer(source, tmp_path / "out", shard=Shard(1, 2))


def test_each_rank_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert own_device("auto") == torch.device("cuda", 0)
    as_rank(monkeypatch, 3, 8)
    assert own_device("auto") == own_device("cuda") == torch.device("cuda", 3)
    assert own_device("cpu") == torch.device("cpu")
    for named in ("cuda:0", "cuda:1"):
        assert own_device(named) == torch.device(named)
    as_rank(monkeypatch, 4, 8)
    with pytest.raises(OptionsError, match=r"^device: cuda:4 is not on this machine; here: cuda:0, cuda:1, "):
        own_device("auto")
