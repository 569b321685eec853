"""`nmtk recipe`, and `nmtk train --dry-run`, as they are typed."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from nmtk.documents import parse_yaml, read_yaml, to_yaml
from nmtk.evaluation.names import MetricName
from nmtk.recipe.recipe import Recipe, load
from nmtk.recipe.shelf import shipped
from tests.training.conftest import recipe

__all__ = ["recipe"]

ROOT = Path(__file__).parents[2]
Nmtk = Callable[..., Any]


@pytest.fixture(autouse=True)
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NMTK_DATA", raising=False)
    monkeypatch.setenv("NMTK_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def test_all_are_listed(nmtk: Nmtk) -> None:
    ended = nmtk("recipe", "list")
    assert ended.code == 0
    head, *rows = ended.out.splitlines()
    assert head.split() == ["recipe", "languages", "evidence", "hours", "expected", "what"]
    assert [row.split()[0] for row in rows] == list(shipped())
    [row] = [row for row in rows if row.startswith("multi30k-en-de ")]
    assert "en to de   measured" in row
    low, high = load(Path("multi30k-en-de")).recipe.expect["test_2016_flickr"][MetricName.BLEU]
    assert f"test_2016_flickr bleu {low:g} to {high:g}" in row


def test_the_list_for_programs(nmtk: Nmtk) -> None:
    rows = {row["name"]: row for row in json.loads(nmtk("recipe", "list", "--format", "json").out)}
    assert list(rows) == list(shipped())
    for name, row in rows.items():
        recipe = load(Path(name)).recipe
        assert row["source"] == recipe.data.source
        assert row["expect"] == recipe.document()["expect"]
        assert row["evidence"] == recipe.evidence.document()


def test_listing_brings_no_pytorch() -> None:
    code = (
        "import sys; from nmtk.cli.app import main; sys.argv = ['nmtk', 'recipe', 'list']\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "quickstart" in ended.stdout
    assert not {"torch", "sacrebleu", "sentencepiece"} & set(ended.stderr.split())


@pytest.mark.parametrize("name", shipped())
def test_each_is_shown(name: str, nmtk: Nmtk) -> None:
    ended = nmtk("recipe", "show", name)
    assert (ended.code, ended.err) == (0, "")
    recipe = load(Path(name)).recipe
    lines = ended.out.splitlines()
    assert lines[0] == f"recipe      {name}: {recipe.description}"
    for fact in ("texts", "files", "model", "training", "tricks", "expected", "evidence", "commands"):
        assert any(line.startswith(f"{fact:<12}") for line in lines)
    for text in (*recipe.data.train, recipe.data.valid, *recipe.data.test.values()):
        assert all(f" {file}: " in ended.out for file in text.files())
    for signature in recipe.evidence.signatures.values():
        assert signature in ended.out
    assert f"nmtk recipe verify {name} " in ended.out


def test_it_is_said_where_files_are(recipe: Path, nmtk: Nmtk) -> None:
    document = read_yaml(recipe / "recipe.yaml")
    document["data"]["files"] = {
        "valid.de": {"url": "https://example.org/v.de", "sha256": "0" * 64},
        "train.de": {"sha256": "0" * 64},
    }
    (recipe / "train.de").unlink()
    (recipe / "recipe.yaml").write_text(to_yaml(document))
    (recipe / "valid.de").unlink()
    (recipe / "test.en").unlink()
    out = nmtk("recipe", "show", recipe).out
    assert f"train.en: here, beside the recipe ({recipe / 'train.en'})" in out
    assert "valid.de: to be fetched from https://example.org/v.de" in out
    assert "train.de: not here, and without an address: let NMTK_DATA name a folder that has it" in out
    assert "test.en: not here, and without an address: let NMTK_DATA name a folder that has it" in out
    assert f"nmtk train {recipe}\n" in out


@pytest.mark.parametrize(
    ("named", "called"),
    [
        ("back-translation", "back-translation"),
        ("back-translation/baseline.yaml", "back-translation/baseline.yaml"),
        ("recipes/back-translation/recipe.yaml", "recipes/back-translation"),
        ("own.yaml", "own.yaml"),
        ("./recipe.yaml", "."),
        ("a folder/own.yaml", "'a folder/own.yaml'"),
    ],
)
def test_the_commands_are_those_for_this_very_recipe(
    named: str, called: str, nmtk: Nmtk, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a folder").mkdir()
    for place in ("own.yaml", "recipe.yaml", "a folder/own.yaml"):
        Path(place).write_text((recipe / "recipe.yaml").read_text())
    commands = [line[12:].split("#")[0].split(" --")[0] for line in nmtk("recipe", "show", named).out.splitlines()]
    assert {f"nmtk train {called}", f"nmtk recipe verify {called}"} <= {command.strip() for command in commands}
    assert load(Path(shlex.split(called)[0])) == load(Path(named))


def test_the_whole_document_has_every_default(nmtk: Nmtk) -> None:
    ended = nmtk("recipe", "show", "multi30k-en-de", "--yaml")
    recipe = load(Path("multi30k-en-de")).recipe
    assert Recipe.parse(parse_yaml(ended.out, "shown"), "shown") == recipe
    assert yaml.safe_load(ended.out)["training"]["label_smoothing"] == 0.1


@pytest.mark.parametrize("verb", ["show", "verify"])
def test_a_name_that_is_none_meets_the_nearest(verb: str, nmtk: Nmtk) -> None:
    ended = nmtk("recipe", verb, "tatoeba")
    assert ended == (1, "", "nmtk: error: tatoeba: no such recipe; did you mean tatoeba-de-en?\n")
    assert nmtk("recipe", "shwo").code == 2


def test_verify_ends_green_or_red(recipe: Path, tmp_path: Path, nmtk: Nmtk) -> None:
    document = read_yaml(recipe / "recipe.yaml") | {"expect": {"test": {"bleu": [0, 100]}}}
    (recipe / "recipe.yaml").write_text(to_yaml(document))
    ended = nmtk("recipe", "verify", recipe, "training.threads=1")
    assert ended.code == 0
    assert "ok      score      test bleu: " in ended.out
    assert ended.out.splitlines()[-1] == "verdict: green: 8 of 8 checks hold"
    assert (tmp_path / "runs" / "backwards" / "verification.json").is_file()
    document["expect"] = {"test": {"bleu": [99, 100]}}
    (recipe / "recipe.yaml").write_text(to_yaml(document))
    ended = nmtk("recipe", "verify", recipe)
    assert ended.code == 1
    assert "FAILED  score      test bleu: " in ended.out
    assert ended.out.splitlines()[-1] == "verdict: red: 7 of 8 checks hold"


@pytest.mark.parametrize("verb", [["train"], ["recipe", "verify"]], ids=" ".join)
def test_a_run_in_place_of_a_recipe_is_gone_on_with_wherever_its_files_were(
    verb: list[str], recipe: Path, tmp_path: Path, nmtk: Nmtk
) -> None:
    document = read_yaml(recipe / "recipe.yaml") | {"expect": {"test": {"bleu": [0, 100]}}}
    (recipe / "recipe.yaml").write_text(to_yaml(document))
    run = tmp_path / "elsewhere" / "mine"
    assert nmtk("train", recipe, "-o", run).code == 0
    log = (run / "log.jsonl").read_bytes()
    ended = nmtk(*verb, run)
    assert ended.code == 0, ended.err
    assert "test" in ended.out
    assert (run / "log.jsonl").read_bytes() == log
    assert f"nmtk translate -m {run} <" in nmtk("recipe", "show", run).out
    assert (run / "verification.json").is_file() == (verb != ["train"])
    assert not (tmp_path / "runs").exists()


def test_a_run_shows_the_files_that_were_written_for_it_as_here(tmp_path: Path, nmtk: Nmtk) -> None:
    assert nmtk("train", "quickstart", "-o", tmp_path / "quick", "training.updates=1", "robustness.lines=0").code == 0
    assert f"train.en: here, generated ({tmp_path / 'quick' / 'text' / 'train.en'})" in (
        nmtk("recipe", "show", tmp_path / "quick").out
    )


def test_a_recipe_beside_a_run_yaml_of_ones_own_is_a_recipe(recipe: Path, nmtk: Nmtk) -> None:
    (recipe / "run.yaml").write_text("command: mine\n")
    assert f"nmtk train {recipe}\n" in nmtk("recipe", "show", recipe).out
    ended = nmtk("evaluate", "-m", recipe)
    assert ended == (1, "", f"nmtk: error: {recipe}: no run of nmtk train: wanted its recipe.yaml and run.yaml in it\n")


def test_a_run_trained_by_another_recipe_is_refused_with_the_way_to_start_over(
    recipe: Path, tmp_path: Path, nmtk: Nmtk
) -> None:
    document = read_yaml(recipe / "recipe.yaml") | {"expect": {"test": {"bleu": [0, 100]}}}
    (recipe / "recipe.yaml").write_text(to_yaml(document))
    assert nmtk("train", recipe).code == 0
    (recipe / "recipe.yaml").write_text(to_yaml(document | {"vocabulary": {"size": 61}}))
    ended = nmtk("recipe", "verify", recipe)
    assert ended.code == 1
    assert ended.err.endswith("use -o for another run, or nmtk train --overwrite to start over\n")


def test_verify_refuses_another_contract(recipe: Path, tmp_path: Path, nmtk: Nmtk) -> None:
    ended = nmtk("recipe", "verify", recipe, "training.updates=1")
    assert ended.code == 1
    assert "nmtk: error: training.updates: it changes what the recipe promises" in ended.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("verb", [["train"], ["recipe", "verify"]], ids=" ".join)
def test_a_dry_run_says_what_was_cut_and_leaves_nothing(
    verb: list[str], recipe: Path, tmp_path: Path, nmtk: Nmtk
) -> None:
    before = sorted(tmp_path.rglob("*"))
    ended = nmtk(*verb, recipe, "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    facts = {line[:14].strip(): line[14:].strip() for line in ended.out.splitlines()}
    assert "parameters in full" in facts["recipe"]
    assert facts["train corpus1"] == "300 of its own pairs"
    assert "training.updates 12 to 6" in facts["cut"]
    assert facts["scored"] == "test: BLEU, chrF2, TER"
    assert facts["took"].endswith("leaves nothing behind")
    assert sorted(tmp_path.rglob("*")) == before
    assert nmtk(*verb, recipe, "--dry-run", "-o", "run").code == 2


def test_a_dry_run_with_another_signature_fails(recipe: Path, nmtk: Nmtk) -> None:
    document = read_yaml(recipe / "recipe.yaml") | {"evidence": {"signatures": {"bleu": "nrefs:2"}}}
    (recipe / "recipe.yaml").write_text(to_yaml(document))
    ended = nmtk("train", recipe, "--dry-run")
    assert ended.code == 1
    assert "signatures     test bleu: found nrefs:1|" in ended.out


def test_what_the_readme_shows_works(recipe: Path, nmtk: Nmtk) -> None:
    section = (ROOT / "README.md").read_text("utf-8").split("\n## Recipes\n")[1].split("\n## ")[0]
    [commands], [files, contract] = (re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL) for kind in ("sh", "yaml"))
    for line in commands.splitlines():
        _, *arguments = shlex.split(line, comments=True)
        ended = nmtk(*arguments, *(["--dry-run"] if "verify" in arguments else []))
        assert (ended.code, ended.err) == (0, ""), line
    document = read_yaml(recipe / "recipe.yaml")
    document["data"]["test"]["news"] = document["data"]["test"].pop("test")
    document["data"]["files"] = parse_yaml(files.replace("HASH", "a" * 64), "README.md")["data"]["files"]
    assert Recipe.parse(document | parse_yaml(contract, "README.md"), "r").evidence.kind == "measured"
