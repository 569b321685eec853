import gzip
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nmtk.evaluation.metrics import Bleu, Chrf, Score, Ter, evaluate
from nmtk.evaluation.report import as_json, as_text

REFERENCE = ["Ein Hund schläft im Schatten.", "Zwei Katzen sitzen auf der Mauer.", "Das ist alles."]
HYPOTHESES = ["Ein Hund schläft im Schatten.", "Zwei Katzen sind auf einer Mauer.", "Das war alles."]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, which is the current one, with `ref`, `other` and `hyp` in it."""
    texts = {"ref": REFERENCE, "other": [line.replace("sitzen", "sind") for line in REFERENCE], "hyp": HYPOTHESES}
    for name, lines in texts.items():
        (tmp_path / name).write_text("".join(line + "\n" for line in lines), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_scores_go_to_standard_output_one_a_line(files: Path, nmtk: Callable[..., Any]) -> None:
    wanted = as_text({"": evaluate(HYPOTHESES, [REFERENCE])})
    assert nmtk("evaluate", "ref", "-i", "hyp") == (0, wanted + "\n", "")
    assert [line.split()[0] for line in wanted.splitlines()] == ["BLEU", "chrF2", "TER"]


def test_a_single_metric_is_a_list_in_json_too(files: Path, nmtk: Callable[..., Any]) -> None:
    ended = nmtk("evaluate", "ref", "-i", "hyp", "--metric", "chrf", "--format", "json", "-w", 4)
    assert json.loads(ended.out) == [score.json(4) for score in evaluate(HYPOTHESES, [REFERENCE], ["chrf"])]


def test_the_settings_are_those_of_sacrebleu(files: Path, nmtk: Callable[..., Any]) -> None:
    names = ["--metric", "ter", "--metric", "bleu", "--metric", "chrf", "--metric", "bleu"]
    settings = ["-tok", "char", "-lc", "--chrf-lowercase", "--ter-case-sensitive"]
    metrics = [Ter(case_sensitive=True), Bleu(tokenize="char", lowercase=True), Chrf(lowercase=True)]
    ended = nmtk("evaluate", "ref", "other", "-i", "hyp", *names, *settings)
    other = (files / "other").read_text("utf-8").splitlines()
    assert ended.out == as_text({"": evaluate(HYPOTHESES, [REFERENCE, other], metrics)}) + "\n"


@pytest.mark.parametrize("arguments", [["ref"], ["ref", "-i", "-"], ["-", "-i", "hyp"], ["ref.gz", "-i", "hyp"]])
def test_text_comes_from_files_plain_or_compressed_or_from_standard_input(
    arguments: list[str], files: Path, nmtk: Callable[..., Any]
) -> None:
    (files / "ref.gz").write_bytes(gzip.compress((files / "ref").read_bytes()))
    stdin = (files / ("ref" if arguments[0] == "-" else "hyp")).read_text("utf-8")
    assert nmtk("evaluate", *arguments, stdin=stdin) == nmtk("evaluate", "ref", "-i", "hyp")


def test_a_warning_goes_to_standard_error_and_the_scores_are_printed(files: Path, nmtk: Callable[..., Any]) -> None:
    ended = nmtk("evaluate", "ref", stdin="Ein Hun@@ d .\n" * 3)
    assert ended.code == 0
    assert [line.split(":")[:2] for line in ended.err.splitlines()] == [["nmtk", " warning"]] * 2
    assert "(@@)" in ended.err
    assert len(ended.out.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["ref", "-i", "nope"], "", "nope: no such file"),
        (["nope", "-i", "hyp"], "", "nope: no such file"),
        (["ref"], "a\n", "standard input has 1 line, but ref has 3 lines: wanted line i of the one to translate what"),
        (["ref", "-i", "latin1"], "", "latin1:2: invalid UTF-8 at byte 7: found f6"),
        (["empty", "-i", "empty"], "", "empty: no lines, wanted at least one translation"),
        (["-m", "nope"], "", "nope: "),
        (["-m", "nope", "--source", "hyp", "short"], "", "hyp has 3 lines, but short has 1 line"),
        (["-m", "nope", "--source", "hyp", "ref"], "", "nope: no such model folder"),
    ],
)
def test_bad_input_is_told_in_one_line(
    arguments: list[str], stdin: str, message: str, files: Path, nmtk: Callable[..., Any]
) -> None:
    (files / "latin1").write_bytes("gut\nschön\nja\n".encode("latin1"))
    (files / "short").write_text("a\n")
    (files / "empty").touch()
    ended = nmtk("evaluate", *arguments, stdin=stdin)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"nmtk: error: {message}")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-i", "hyp"], "REF: wanted at least one reference"),
        (["-", "-i", "-"], "-i: found standard input for two texts"),
        (["ref", "-i", "hyp", "--source", "ref"], "--source: wanted the model that translates it too: -m RUN"),
        (["ref", "-i", "hyp", "-m", "run"], "-i: wanted a file to score, -i, or a model, -m, and not both"),
        (["ref", "-m", "run"], "REF: with -m RUN, wanted the text it translates too: --source FILE"),
        (["-m", "run", "--source", "ref"], "REF: wanted at least one reference"),
        (["ref", "-i", "hyp", "--metric", "blue"], "'blue' is not one of 'bleu', 'chrf', 'chrf++', 'ter'"),
        (["ref", "-i", "hyp", "--tokenize", "14a"], "'14a' is not one of '13a'"),
        (["ref", "-i", "hyp", "--width", "-1"], "--width"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], message: str, files: Path, nmtk: Callable[..., Any]) -> None:
    ended = nmtk("evaluate", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


def test_a_terminal_is_not_waited_for(files: Path, nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("nmtk.cli.evaluate.sys", SimpleNamespace(stdin=terminal, stderr=sys.stderr))
    ended = nmtk("evaluate", "ref")
    assert ended.code == 2
    assert "or a file of them: -i HYP" in ended.err


@pytest.mark.parametrize("layout", ["text", "json"])
def test_a_run_is_scored_on_its_own_test_sets(
    layout: str, nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = {"valid": [Score("BLEU", 1.5, "nrefs:1")], "test": [Score("BLEU", 2.5, "nrefs:1")]}

    def evaluate_run(run: Path, metrics: Sequence[Any]) -> dict[str, list[Score]]:
        assert (run, list(metrics)) == (Path("runs/a"), [Bleu(lowercase=True)])
        return scores

    monkeypatch.setattr("nmtk.recipe.evaluate.evaluate_run", evaluate_run)
    ended = nmtk("evaluate", "-m", "runs/a", "--metric", "bleu", "-lc", "--format", layout)
    assert ended == (0, (as_json if layout == "json" else as_text)(scores) + "\n", "")


def test_a_text_of_ones_own_is_translated_and_scored(
    files: Path, nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Shouting:
        def translate(self, lines: list[str]) -> list[str]:
            return [line.upper() for line in lines]

    def load(path: Path, precision: str) -> Shouting:
        assert (path, precision) == (Path("runs/a"), "float32")
        return Shouting()

    monkeypatch.setattr("nmtk.decoding.system.load", load)
    ended = nmtk("evaluate", "-m", "runs/a", "--source", "hyp", "ref")
    assert ended.out == as_text({"": evaluate([line.upper() for line in HYPOTHESES], [REFERENCE])}) + "\n"
