from collections.abc import Callable
from pathlib import Path

import pytest

from nmtk.errors import DataError, OptionsError
from nmtk.evaluation.testsets import Task, named_file, named_task
from tests.evaluation.conftest import REFERENCE, SOURCE


@pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")  # of how sacreBLEU unpacks
def test_a_test_set_is_fetched_once_and_found_again(known: Callable[..., Path]) -> None:
    archive = known("mine")
    [(name, reference)], source = named_task("mine", "en-de")
    assert (name, reference, source) == ("mine en-de reference 1", REFERENCE, ("mine en-de source", SOURCE))
    archive.unlink()
    assert named_task("mine", "en-de").source == source


@pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")
def test_several_test_sets_follow_each_other(known: Callable[..., Path]) -> None:
    known("one")
    known("two", source=["Three.", "Four."])
    task = named_task("one,two", "en-de")
    assert task.source == ("one,two en-de source", [*SOURCE, "Three.", "Four."])
    assert [lines for _, lines in task.references] == [REFERENCE * 2]


def test_what_cannot_be_fetched_says_from_where_why_and_what_else_would_do(known: Callable[..., Path]) -> None:
    archive = known("gone")
    archive.unlink()
    with pytest.raises(
        DataError, match=r"^gone: cannot be fetched from file:.*gone\.tgz: .*: copy the folder "
    ) as told:
        named_task("gone", "en-de")
    assert "cache/gone from a machine that has it, or name the files themselves: REF, and --source SRC" in str(
        told.value
    )


def test_what_was_fetched_and_is_another_file_is_told(
    known: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    known("other", md5="0" * 32)
    with pytest.raises(DataError, match=r"^other: cannot be fetched .* MD5 sum of downloaded file was incorrect"):
        named_task("other", "en-de")
    assert capfd.readouterr().err == ""


def test_unknown_names_and_pairs_are_told_with_the_nearest() -> None:
    with pytest.raises(OptionsError, match=r"^wmt14/ful: no test set of sacreBLEU's; did you mean wmt14/full\?$"):
        named_task("wmt14/ful", "en-de")
    with pytest.raises(OptionsError, match=r"^wmt14/full: not for en-xx: wanted one of .*de-en, .*en-de"):
        named_task("wmt14/full", "en-xx")


def test_a_source_of_another_length_is_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "ref").write_text("a\nb\n")
    (tmp_path / "src").write_text("a\n")
    with pytest.raises(DataError, match=r"src has 1 line, but .*ref has 2 lines: "):
        Task.read([tmp_path / "ref"], tmp_path / "src")


@pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")
def test_each_side_of_a_test_set_is_a_file(known: Callable[..., Path]) -> None:
    known("mine")
    assert named_file("mine", "en-de", "source").read_text("utf-8").split("\n") == [*SOURCE, ""]
    assert named_file("mine", "en-de", "reference").read_text("utf-8").split("\n") == [*REFERENCE, ""]
