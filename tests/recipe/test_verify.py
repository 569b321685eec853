"""Laws of verifying: green when every promise is kept, red with the line that says which one is not."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nmtk.bundle import Bundle
from nmtk.decoding.translator import Translator
from nmtk.documents import Document, read_yaml, to_yaml
from nmtk.errors import DataError, OptionsError
from nmtk.files import sha256
from nmtk.recipe.recipe import load
from nmtk.recipe.verify import Check, check_settings, check_training, green, verdict, verify
from nmtk.training.options import TrainingOptions
from tests.training.conftest import recipe

__all__ = ["recipe"]

BLEU = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.0.0"


@pytest.fixture
def promising(recipe: Path) -> Path:
    """A recipe that promises little, by name and hash."""
    document = read_yaml(recipe / "recipe.yaml")
    document["expect"] = {"test": {"bleu": [0, 100], "chrf++": [0, 100], "exact": [0, 100]}}
    document["evidence"] = {"signatures": {"bleu": BLEU}}
    document["data"]["files"] = {file: {"sha256": sha256(recipe / file)} for file in ("train.en", "train.de")}
    (recipe / "recipe.yaml").write_text(to_yaml(document))
    return recipe


def checks(recipe: Path, run: Path, *settings: str) -> list[Check]:
    found = verify(load(recipe, settings), run, Console(quiet=True))
    assert found is not None
    return found


def failed(found: list[Check]) -> list[str]:
    return [str(check) for check in found if not check.holds]


def report(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "verification.json").read_text())
    return found


def test_green_when_every_promise_is_kept(promising: Path, tmp_path: Path) -> None:
    found = checks(promising, tmp_path / "run")
    assert failed(found) == []
    assert [check.what for check in found] == ["data"] * 6 + ["training"] + ["score"] * 3 + ["signature"]
    assert verdict(found) == "verdict: green: 11 of 11 checks hold"
    written = report(tmp_path / "run")
    assert written["verdict"] == "green"
    assert written["scores"]["test"].keys() == {"bleu", "chrf", "ter", "chrf++", "exact"}
    assert written["weights"] == sha256(tmp_path / "run" / "model" / "model.safetensors")
    assert {row["name"]: row["sha256"] for row in written["files"]}["test.de"] == sha256(promising / "test.de")
    assert str(tmp_path) not in (tmp_path / "run" / "verification.json").read_text()


def test_red_when_a_score_is_out_of_its_range(promising: Path, tmp_path: Path) -> None:
    found = checks(promising, tmp_path / "run", "expect.test={exact: [99, 100], chrf: [0, 100]}")
    [line] = failed(found)
    assert line.startswith("FAILED  score      test exact: 0.00, wanted 99 to 100")
    assert not green(found)
    assert report(tmp_path / "run")["verdict"] == "red"


def test_red_when_a_signature_is_another(promising: Path, tmp_path: Path) -> None:
    recorded = BLEU.replace("13a", "intl")
    [line] = failed(checks(promising, tmp_path / "run", f"evidence.signatures.bleu={recorded}"))
    assert "test bleu: nrefs:1|case:mixed|eff:no|tok:13a|" in line
    assert line.endswith(f"wanted {recorded}")


def test_red_when_the_run_was_made_from_other_text(promising: Path, tmp_path: Path) -> None:
    checks(promising, tmp_path / "run")
    (promising / "test.en").write_text((promising / "test.en").read_text().replace("alpha", "beta"))
    [line] = failed(checks(promising, tmp_path / "run"))
    assert f"test.en: found sha256 {sha256(promising / 'test.en')}, but the run was made from" in line


def test_red_when_it_was_trained_for_longer(promising: Path, tmp_path: Path) -> None:
    checks(promising, tmp_path / "run", "training.updates=14")
    [line] = failed(checks(promising, tmp_path / "run"))
    assert line.endswith("14 updates, wanted 12")


def test_red_when_it_was_trained_for_more_epochs(promising: Path, tmp_path: Path) -> None:
    checks(promising, tmp_path / "run", "training.updates=null", "training.epochs=2")
    [line] = failed(checks(promising, tmp_path / "run", "training.updates=null", "training.epochs=1"))
    assert line.endswith("2 epochs, wanted 1")


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"updates": 100}, ["100 updates, wanted 100"]),
        ({"updates": 99, "epochs": 5}, ["FAILED 100 updates, wanted 99", "4 epochs, wanted 5"]),
        ({"epochs": 3}, ["FAILED 4 epochs, wanted 3"]),
        ({"tokens": 49_001, "batch_tokens": 1000}, ["50,000 tokens, wanted 49,001"]),
        ({"tokens": 49_000, "batch_tokens": 1000}, ["FAILED 50,000 tokens, wanted 49,000"]),
        ({"time": 590.0}, ["600 seconds, wanted 590"]),
        ({"time": "9min"}, ["FAILED 600 seconds, wanted 540"]),
        ({"early_stop": {}}, ["100 updates, ended by early_stop alone"]),
    ],
)
def test_training_is_held_to_each_of_its_limits(limits: Document, told: list[str]) -> None:
    """The last update may go beyond a limit that it only then is seen to have reached."""
    done: Document = {"updates": 100, "epochs": 4.0, "target_tokens": 50_000, "seconds": 600}
    found = check_training(TrainingOptions.parse(limits, "training"), done)
    assert ["FAILED " * (not check.holds) + check.told for check in found] == told


def test_a_finished_run_is_not_trained_again(promising: Path, tmp_path: Path) -> None:
    first = checks(promising, tmp_path / "run")
    log = (tmp_path / "run" / "log.jsonl").read_bytes()
    assert checks(promising, tmp_path / "run") == first
    assert (tmp_path / "run" / "log.jsonl").read_bytes().startswith(log)
    assert report(tmp_path / "run")["training"]["updates"] == 12


def test_each_test_set_is_translated_once_by_the_model_on_the_disk(
    promising: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by what training left in memory, and whether it trained just now or was finished before."""
    loaded: list[Bundle] = []
    translating: list[Bundle] = []
    load_bundle, translator = Bundle.load, Translator

    def loading(path: Path, *arguments: Any, **named: Any) -> Bundle:
        bundle = load_bundle(path, *arguments, **named)
        loaded.extend([bundle] if path == tmp_path / "run" / "model" else [])
        return bundle

    def translates(bundle: Bundle, *arguments: Any) -> Translator:
        translating.append(bundle)
        return translator(bundle, *arguments)

    monkeypatch.setattr("nmtk.bundle.Bundle.load", loading)
    monkeypatch.setattr("nmtk.recipe.translations.Translator", translates)
    for times in (1, 2):
        checks(promising, tmp_path / "run")
        assert len(translating) == times
        assert translating[-1] is loaded[-1]


def test_a_file_with_another_hash_is_an_error(promising: Path, tmp_path: Path) -> None:
    with (promising / "train.en").open("a") as file:
        file.write("more\n")
    with pytest.raises(DataError, match=r"train\.en: found sha256 .*, wanted .*: not the file that the recipe means"):
        verify(load(promising), tmp_path / "run", Console(quiet=True))


def test_a_recipe_that_promises_nothing_is_not_trained(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="backwards: no score is expected, so there is nothing to verify"):
        verify(load(recipe), tmp_path / "run", Console(quiet=True))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "setting", ["training.updates=10", "expect.test={}", "model.width=8", "training.precision=float32"]
)
def test_a_setting_that_changes_the_promise_is_refused(setting: str) -> None:
    with pytest.raises(
        OptionsError, match=f"{setting.split('=')[0]}: it changes what the recipe promises: wanted one of"
    ):
        check_settings([setting])
    check_settings(["training.device=cpu", "training.threads=2"])
