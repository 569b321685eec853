"""Laws of recipes: each that comes with nmtk loads, and a mistake is one line that says where and what."""

import re
from pathlib import Path

import pytest

from nmtk.errors import OptionsError
from nmtk.recipe.chain import chain_of
from nmtk.recipe.recipe import Recipe, load
from nmtk.recipe.shelf import shipped
from nmtk.recipe.sources.mtdata_corpus import MtdataCorpus
from nmtk.recipe.sources.sacrebleu_set import SacrebleuSet
from nmtk.training.options import Sampling

RECIPES = Path(__file__).parents[2] / "recipes"
NAMES = sorted(folder.name for folder in RECIPES.iterdir() if folder.is_dir())
FILES = sorted(str(path.relative_to(RECIPES)) for path in RECIPES.glob("*/*.yaml"))
"""Recipes may have others beside them: what they are compared with, or who makes text for them."""

MINIMAL = """
name: mine
data:
  source: en
  target: de
  train: [{source: train.en, target: train.de}]
  valid: {source: valid.en, target: valid.de}
  test: {news: {source: test.en, target: test.de}}
training: {updates: 10}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


def test_there_are_recipes_and_all_are_shipped() -> None:
    assert "quickstart" in NAMES
    assert sorted(shipped()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_found_by_its_name_and_has_it(name: str) -> None:
    located = load(Path(name))
    assert (located.recipe.name, located.folder) == (name, RECIPES / name)
    assert load(RECIPES / name) == located


@pytest.mark.parametrize("name", FILES)
def test_a_recipe_survives_being_written_out(name: str) -> None:
    recipe = load(RECIPES / name).recipe
    assert load(Path(name)).recipe == recipe, "it is found by its name, too"
    assert Recipe.parse(recipe.document(), "again") == recipe
    assert recipe.changes(recipe) == []


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_a_recipe_is_generated_or_known_by_hash_or_by_what_it_is_made_of(name: str) -> None:
    data = load(RECIPES / name).recipe.data
    named = {file for text in (*data.train, data.valid, *data.test.values()) for file in text.files()}
    named = [*(named - data.translate.keys()), *(made.text for made in data.translate.values())]
    if data.generate:
        assert data.files == {}
    else:
        for file in named:
            named += data.files[file].needs()
        assert set(named) == data.files.keys()
        known = (SacrebleuSet, MtdataCorpus)
        doubtful = [one for one in data.files.values() if not (one.sha256 or one.needs() or isinstance(one, known))]
        readme = (RECIPES / name).with_name("README.md").read_text("utf-8")
        assert not doubtful or "No SHA-256 of it is published" in readme


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_says_what_it_is_and_how_it_is_run(name: str) -> None:
    readme = (RECIPES / name / "README.md").read_text("utf-8")
    assert readme.startswith(f"# {name}\n")
    assert f"nmtk train recipes/{name}\n" in readme
    for word in ("## Data", "licence", "NMTK_DATA", "| hardware | time |"):
        assert word.casefold() in readme.casefold()
    assert load(RECIPES / name).recipe.description


@pytest.mark.parametrize("name", FILES)
def test_the_chain_of_a_recipe_fits_together_and_each_of_it_has_a_run(name: str) -> None:
    located = load(RECIPES / name)
    chain = chain_of(located, Path("runs") / located.recipe.name)
    assert chain[-1].run == Path("runs") / located.recipe.name
    assert {text for stage in chain for text in stage.models} == {
        text for stage in chain for text in stage.located.recipe.data.translate
    }
    assert (len(chain) > 1) == bool(located.recipe.data.translate)


def test_settings_are_laid_over(tmp_path: Path) -> None:
    recipe = load(written(tmp_path, MINIMAL), ["training.updates=2e1", "model.preset=tiny"]).recipe
    assert (recipe.training.updates, recipe.model.width) == (20, 128)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("updates: 10", "updates: 10, batch_token: 5", "unknown key training.batch_token; did you mean batch_tokens?"),
        ("updates: 10", "updates: ten", 'training.updates: found "ten", wanted a whole number'),
        ("updates: 10", "batch_tokens: 10", "training: nothing ends the training: wanted one of updates"),
        ("source: en", "source: English language", 'data.source: found "English language", wanted'),
        ("name: mine", "name: mine\nmodle: {}", "unknown key modle; did you mean model?"),
        ("name: mine", "name: mine\nformat: 2", "format: found 2, wanted"),
        ("name: mine", "name: mine\nexpect: {new: {}}", "expect: found new, wanted the name of a test set: news"),
        (
            "  test: {news: {source: test.en, target: test.de}}\n",
            "expect: {new: {}}\n",
            "expect: found new, wanted data.test to have it",
        ),
        ("{news: {", "{a b: {", 'data.test: found "a b", wanted a name of letters, digits, and then also . _ and -'),
        ("name: mine", "name: mine\nvocabulary: {joint: false}", "three-way needs one vocabulary for both sides"),
        (
            "name: mine",
            "name: mine\nvocabulary: {source_file: s, target_file: t}",
            "three-way needs one vocabulary for both sides",
        ),
        (
            "name: mine",
            "name: mine\nmodel: {positions: {kind: learned, maximum: 256}}",
            "data.filters.longest: 256 pieces and </s> are more than the 256 positions",
        ),
        (
            "updates: 10}",
            "updates: 10, consistency: r-drop}\nmodel: {dropout: 0}",
            "training.consistency: without dropout both passes of r-drop are the same: wanted model.dropout above 0",
        ),
        (
            "updates: 10}",
            "updates: 10, sampling: {alpha: 1.5}}\nvocabulary: {kind: bpe}",
            "training.sampling.alpha: found 1.5, wanted less than 1: with a vocabulary of kind bpe it is the share of",
        ),
        (
            "updates: 10}",
            "updates: 10, sampling: {}}\nvocabulary: {kind: char}",
            "training.sampling: a vocabulary of kind char cuts a text in one way only: wanted unigram or bpe, or no",
        ),
        ("target: valid.de", "tsv: both.tsv", "data.valid: found source and tsv, wanted source and target, or tsv"),
        (
            "target: valid.de",
            "target: valid.de, lines: 5-2",
            "data.valid: found lines 5-2, which end before they begin",
        ),
        ("target: de\n", "target: de\n  generate: frases\n", "data.generate"),
        (
            "target: train.de}",
            "target: train.de, tag: <BT>}",
            "data.train: tag <BT> is no symbol: wanted vocabulary.symbols to have it, too",
        ),
        (
            "target: de\n",
            "target: de\n  files: {a: {url: 'https://example.org/a'}}\n",
            "data.files.a: url without sha256",
        ),
    ],
)
def test_a_mistake_is_one_line_with_file_key_and_mend(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in MINIMAL
    path = written(tmp_path, MINIMAL.replace(old, new, 1))
    with pytest.raises(OptionsError, match=f"^{re.escape(str(path))}: .*{re.escape(message)}") as raised:
        load(path)
    assert "\n" not in str(raised.value)


def test_a_unigram_vocabulary_is_sampled_with_any_alpha(tmp_path: Path) -> None:
    text = MINIMAL.replace("updates: 10}", "updates: 10, sampling: {alpha: 1.5}}")
    assert load(written(tmp_path, text)).recipe.training.sampling == Sampling(alpha=1.5)


def test_two_corpora_need_two_names(tmp_path: Path) -> None:
    train = "[{name: a, source: b, target: c}, {name: a, source: d, target: e}]"
    path = written(tmp_path, re.sub(r"train: \[.*\]", f"train: {train}", MINIMAL))
    with pytest.raises(OptionsError, match="data: train: two corpora are named a, wanted a name each"):
        load(path)


def test_a_name_that_is_no_recipe_meets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="quickstar: no such recipe; did you mean quickstart"):
        load(Path("quickstar"))
    with pytest.raises(OptionsError, match=r"no recipe\.yaml in this folder"):
        load(tmp_path)
