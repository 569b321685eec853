from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmtk.evaluation.metrics import Chrf
from nmtk.evaluation.report import rendered
from nmtk.evaluation.significance import Resampling, evaluate_systems

REFERENCE = ["Ein Hund schläft im Schatten.", "Zwei Katzen sitzen auf der Mauer.", "Das ist alles."]
TEXTS = {
    "ref": REFERENCE,
    "a": [line.replace("Hund", "Hut") for line in REFERENCE],
    "b": ["Ein Hund."] * 3,
    "short": ["x"],
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, lines in TEXTS.items():
        (tmp_path / name).write_text("".join(line + "\n" for line in lines), "utf-8")
    monkeypatch.chdir(tmp_path)


def test_files_are_compared_and_a_page_is_written_where_asked_for(nmtk: Callable[..., Any]) -> None:
    systems = [(name, TEXTS[name]) for name in ("a", "b")]
    scores = evaluate_systems(systems, [("ref", REFERENCE)], [Chrf()], resampling=Resampling("bs"))
    ended = nmtk("compare", "ref", "-i", "a", "-i", "b", "--metric", "chrf")
    few = "nmtk: warning: 3 segments are too few for a paired test: its p-values are no verdict below 50\n"
    assert ended == (0, rendered({"": scores}) + "\n", few)
    assert not Path("report.html").exists()
    ended = nmtk("compare", "ref", "-i", "a", "-i", "b", "--metric", "chrf", "-o", "report.html", "--source", "ref")
    assert ended == (0, rendered({"": scores}) + "\n", few + "nmtk: report.html: written\n")
    assert "Mauer" in Path("report.html").read_text("utf-8")


def test_settings_of_bleu_and_the_language_are_as_in_evaluate(nmtk: Callable[..., Any]) -> None:
    asked = ["ref", "-i", "a", "-i", "b", "--metric", "bleu"]
    assert "|case:lc|eff:no|tok:char|" in nmtk("compare", *asked, "-lc", "-tok", "char").out
    assert "|tok:zh|" in nmtk("compare", *asked, "-l", "en-zh").out
    assert "-pt-normalised|" in nmtk("compare", *asked[:-1], "tokenised-bleu", "-l", "en-pt_BR").out


def test_what_warnings_advise_can_be_followed(nmtk: Callable[..., Any]) -> None:
    asked = ["ref", "-i", "a", "-i", "b", "--metric"]
    ended = nmtk("compare", *asked, "ter", "--ter-normalized", "--ter-asian-support")
    assert "|norm:yes|punct:yes|asian:yes|" in ended.out
    assert "|case:lc|" in nmtk("compare", *asked, "chrf", "--chrf-lowercase").out
    ended = nmtk("compare", *asked, "tokenised-bleu", "--tokenised-reference", "-l", "en-de")
    assert "|ref:tokenised|" in ended.out


def test_runs_are_compared_by_their_folders(nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def compare_runs(runs: tuple[Path, Path], metrics: list[Any], resampling: Resampling) -> list[Any]:
        asked.append((runs, metrics, resampling))
        return []

    monkeypatch.setattr("nmtk.recipe.compare.compare_runs", compare_runs)
    nmtk("compare", "runs/a", "runs/b", "--metric", "chrf", "--paired-ar")
    assert asked == [((Path("runs/a"), Path("runs/b")), [Chrf(lowercase=False)], Resampling("ar"))]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["ref", "-i", "a"], 2, "-i: found 1, wanted two systems"),
        (["ref"], 2, "RUN: found 1, wanted two runs; or references and two systems, -i"),
        (["a", "b", "--source", "ref"], 2, "--source: runs have their own"),
        (["a", "b", "-l", "en-de"], 2, "-l: runs have their own"),
        (["a", "./b/../a"], 2, "RUN: found one run twice, wanted two"),
        (["a", "b", "--tokenised-reference"], 2, "--tokenised-reference: wanted files of references, REF, and -i"),
        (
            ["ref", "-i", "a", "-i", "b", "-l", "de"],
            2,
            "'--language-pair': found de, wanted the codes of two",
        ),
        (["ref", "-i", "a", "-i", "a"], 2, "-i: found one text twice"),
        (["ref", "-i", "a", "-i", "short"], 1, "nmtk: error: short has 1 line, but ref has 3 lines"),
        (["ref", "-i", "a", "-i", "b", "--source", "short"], 1, "nmtk: error: short has 1 line, but ref has 3 lines"),
        (["a", "b"], 1, "nmtk: error: a: no run of nmtk train"),
        (["ref", "-i", "a", "-i", "b", "-o", "."], 1, "nmtk: error: .: cannot be written: Is a directory"),
        (["ref", "-i", "a", "-i", "b", "-o", "./b"], 1, "nmtk: error: --output: found b, which is HYP too: wanted"),
        (["ref", "-i", "a", "-i", "b", "--source", "a", "-o", "ref"], 1, "found ref, which is REF too: wanted"),
    ],
)
def test_what_cannot_be_compared_is_told(
    arguments: list[str], code: int, message: str, nmtk: Callable[..., Any]
) -> None:
    ended = nmtk("compare", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
