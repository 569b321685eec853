"""Laws of the contract: what a recipe may promise, and that what it promises is measured."""

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from nmtk.documents import read_yaml, to_yaml
from nmtk.errors import OptionsError
from nmtk.evaluation.names import MetricName
from nmtk.recipe.contract import Evidence
from nmtk.recipe.recipe import Recipe, load
from nmtk.recipe.run import train
from nmtk.recipe.shelf import shipped
from tests.training.conftest import recipe

__all__ = ["recipe"]

MEASURED = {"kind": "measured", "hardware": "2 cores", "hours": 0.5}


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_recipe_has_evidence_for_what_it_promises(name: str) -> None:
    found = load(Path(name)).recipe
    promised = {metric for bounds in found.expect.values() for metric in bounds}
    assert "evidence" in found.model_fields_set
    if found.evidence.kind != "unmeasured":
        assert promised
    if found.evidence.kind == "measured":
        assert promised <= found.evidence.signatures.keys()


@pytest.mark.parametrize("metric", [*MetricName, "exact"])
def test_any_metric_may_be_expected(metric: str, recipe: Path) -> None:
    document = read_yaml(recipe / "recipe.yaml") | {"expect": {"test": {metric: [1, 2.5]}}}
    assert Recipe.parse(document, "r").expect == {"test": {metric: (1.0, 2.5)}}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"expect": {"test": {"blue": [1, 2]}}}, "expect.test: found blue, wanted one of bleu, .*; did you mean bleu?"),
        ({"expect": {"test": {"bleu": [2, 1]}}}, "expect.test.bleu: found 2 to 1, wanted the lowest score first"),
        ({"expect": {"test": {"bleu": 2}}}, "expect.test.bleu: found 2, wanted a list"),
        ({"evidence": {"kind": "hearsay"}}, 'evidence.kind: found "hearsay", wanted one of measured, paper'),
        ({"evidence": {"kind": "paper"}}, "evidence: kind paper without source"),
        ({"evidence": {"kind": "measured", "hours": 1}}, "evidence: kind measured without hardware: wanted hardware "),
        ({"evidence": MEASURED | {"hours": 0}}, "evidence.hours: found 0, wanted a number greater than 0"),
        ({"evidence": {"signatures": {"blu": "a:b"}}}, "evidence.signatures: found blu, .*; did you mean bleu?"),
        (
            {"evidence": {"signatures": {"bleu": "13a"}}},
            'evidence.signatures.bleu: found "13a", wanted key:value pairs',
        ),
    ],
)
def test_a_promise_that_cannot_be_checked_is_one_line(document: dict[str, object], message: str, recipe: Path) -> None:
    with pytest.raises(OptionsError, match=message) as raised:
        Recipe.parse(read_yaml(recipe / "recipe.yaml") | document, "r")
    assert "\n" not in str(raised.value)


def test_the_contract_may_change_while_training(recipe: Path) -> None:
    document = read_yaml(recipe / "recipe.yaml")
    one, other = (Recipe.parse(document | extra, "r") for extra in ({}, {"evidence": MEASURED}))
    assert one.evidence == Evidence()
    assert one.changes(other) == []


def test_what_is_expected_is_measured_when_training_ends(recipe: Path, tmp_path: Path) -> None:
    document = read_yaml(recipe / "recipe.yaml")
    document["expect"] = {"test": {"chrf++": [0, 100], "exact": [99, 100]}}
    (recipe / "recipe.yaml").write_text(to_yaml(document))
    console = Console(record=True, file=io.StringIO(), width=200)
    scores = train(load(recipe), tmp_path / "run", False, console)
    assert scores is not None
    assert list(scores["test"]) == ["bleu", "chrf", "ter", "chrf++", "exact"]
    kept = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert [row["name"] for row in kept] == ["BLEU", "chrF2", "TER", "chrF2++", "exact"]
    assert all(row["signature"] for row in kept)
    told = console.export_text()
    assert f"test: chrf++ {scores['test']['chrf++'].score:.2f}: as expected, 0 to 100" in told
    assert f"test: exact {scores['test']['exact'].score:.2f}: NOT as expected, 99 to 100" in told


def test_a_metric_that_cannot_be_had_is_told_before_training(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "comet", None)
    located = load(recipe, ["expect.test={comet: [80, 90]}"])
    with pytest.raises(OptionsError, match="comet: wanted the package unbabel-comet"):
        train(located, tmp_path / "run", False, Console(quiet=True))
    assert not (tmp_path / "run").exists()
