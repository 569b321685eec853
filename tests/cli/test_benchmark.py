"""`nmtk benchmark` says something on any machine, and of any recipe and run."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmtk.recipe import benchmark as module
from nmtk.recipe.figures import as_text
from nmtk.training.apart import apart
from tests.training.conftest import Train, recipe, train

__all__ = ["recipe", "train"]

Nmtk = Callable[..., Any]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure in this process: another one takes seconds to start, and is tested once."""
    monkeypatch.setattr(module, "apart", lambda work, *given: work(*given))


def checked(ended: Any) -> dict[str, Any]:
    assert ended.code == 0, ended.err
    (found,) = json.loads(ended.out)
    assert set(found["figures"]) >= {"training", "greedy"}
    for figures in found["figures"].values():
        assert figures["utilisation"] > 0  # on a busy machine the ceiling may be measured too low
        ceiling = min(found["ceilings"].values()), max(found["ceilings"].values())
        assert ceiling[0] * 0.999 <= figures["flops_per_second"] / figures["utilisation"] <= ceiling[1] * 1.001
        assert figures["tokens_per_second"] > figures["sentences_per_second"] > 0
    return found  # type: ignore[no-any-return]


def test_a_preset_needs_no_data(nmtk: Nmtk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["--preset", "tiny", "--batch-tokens", 256, "--seconds", 0, "--threads", 1, "--precision", "float32"]
    found = checked(nmtk("benchmark", *given, "--device", "cpu", "-f", "json"))
    assert list(found["figures"]) == ["training", "greedy", "beam 4"]
    assert (found["name"], found["precision"], found["threads"]) == ("preset tiny", "float32", 1)
    assert found["update_tokens"] == 256
    assert not found["trained"]
    assert not list(tmp_path.iterdir()), "nothing is left behind"


@pytest.mark.usefixtures("here")
def test_a_recipe_and_its_run(nmtk: Nmtk, train: Train, recipe: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    given = ["--seconds", 0.01, "-f", "json"]
    before = checked(nmtk("benchmark", recipe, "model.width=32", "-o", run, *given))
    assert not before["trained"]
    assert before["name"] == "recipe backwards"
    assert list(before["figures"]) == ["training", "greedy"], "the recipe decodes greedily"
    assert train("run", "model.width=32").returncode == 0
    weights = (run / "model" / "model.safetensors").read_bytes()
    after = checked(nmtk("benchmark", run, *given))
    assert after["trained"]
    assert after["parameters"] == before["parameters"]
    assert (run / "model" / "model.safetensors").read_bytes() == weights


@pytest.mark.usefixtures("here")
def test_the_table_has_a_line_for_each_figure(recipe: Path, tmp_path: Path, nmtk: Nmtk) -> None:
    ended = nmtk("benchmark", recipe, "-o", tmp_path / "run", "--seconds", 0)
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0].startswith("recipe backwards: ")
    assert lines[2].startswith("updates of 256 tokens; plain matrix products reach ")
    assert lines[3].split() == ["target", "tokens/s", "sentences/s", "GFLOP/s", "utilisation", "peak", "memory"]
    assert [line.split()[0] for line in lines[4:]] == ["training", "greedy"]


def test_a_process_that_dies_is_one_line(nmtk: Nmtk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "apart", lambda work, *given: apart(os._exit, 9))
    ended = nmtk("benchmark", "--preset", "tiny")
    assert ended.code == 1
    assert ended.err.startswith("nmtk: error: the process at work died, out of memory perhaps: found exit code 9, ")
    assert ended.err.count("\n") == 1


def test_memory_that_is_not_known_is_told() -> None:
    figures = module.Figures(1.0, 1.0, 1e9, 0.5, None)
    one = module.Measured("x", 1, "mps", 1, "float32", "float32", {"float32": 2e9}, 10, 1, False, {"training": figures})
    assert as_text([one]).splitlines()[-1].endswith("not known")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--preset", "huge"], 1, "preset: found huge, wanted one of tiny, small, base, big, deep-shallow"),
        (["nowhere"], 1, "nowhere: no such recipe"),
        (["quickstart", "--preset", "tiny"], 2, "a recipe has a model and batches of its own"),
        (["quickstart", "--batch-tokens", "9"], 2, "a recipe has a model and batches of its own"),
        (["--device", "tpu"], 1, "device: found tpu, wanted auto, cpu, cuda, cuda:N or mps"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_cannot_be_measured(nmtk: Nmtk, arguments: list[str], code: int, message: str) -> None:
    ended = nmtk("benchmark", *arguments)
    assert ended.code == code
    assert message in ended.err


@pytest.mark.usefixtures("here")
def test_a_run_is_measured_as_it_is(nmtk: Nmtk, train: Train, tmp_path: Path) -> None:
    assert train("run").returncode == 0
    ended = nmtk("benchmark", tmp_path / "run", "model.width=32")
    assert ended.code == 1
    assert "a run is measured as it is" in ended.err
