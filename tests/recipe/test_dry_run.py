"""Laws of dry runs: every shipped recipe passes one, whatever its files are, and nothing is left behind."""

import gzip
import itertools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nmtk.documents import read_yaml, to_yaml
from nmtk.errors import DataError, OptionsError
from nmtk.model.positions import Sinusoid
from nmtk.model.transformer import Transformer
from nmtk.recipe.dry_run import cut, dry_run
from nmtk.recipe.recipe import Located, load
from nmtk.recipe.sample import sample
from nmtk.recipe.shelf import shipped
from nmtk.recipe.size import parameter_count
from nmtk.recipe.texts import find_texts
from nmtk.vocabulary.learn import VocabularyOptions, learn
from tests.recipe.test_chain import chain, change
from tests.training.conftest import recipe

__all__ = ["chain", "recipe"]

FILES = [f"{name}/{file.name}" for name, folder in shipped().items() for file in sorted(folder.glob("*.yaml"))]


@pytest.fixture(autouse=True)
def nothing_is_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No corpora, no cache, and a folder for what is temporary."""
    monkeypatch.delenv("NMTK_DATA", raising=False)
    monkeypatch.setenv("NMTK_CACHE", str(tmp_path / "cache"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path.parent / "inductor"))  # PyTorch makes it when imported
    monkeypatch.chdir(tmp_path)


def changed(recipe: Path, **keys: Any) -> Located:
    document = read_yaml(recipe / "recipe.yaml")
    for key, value in keys.items():
        document[key] = document.get(key, {}) | value if isinstance(value, dict) else value
    (recipe / "recipe.yaml").write_text(to_yaml(document))
    return load(recipe)


@pytest.mark.parametrize("name", FILES)
def test_every_shipped_recipe_passes(name: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    tried = dry_run(load(Path(name)))
    assert tried.sound, tried.facts["signatures"]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_chain_is_tried_from_its_beginning(chain: Path, tmp_path: Path) -> None:
    tried = dry_run(load(chain))
    assert tried.sound
    assert tried.facts["after"] == "reverse"
    assert tried.facts["text made.en"] == "12 lines made by reverse.yaml"
    texts = sample(load(chain), tmp_path / "sample")
    plain, made = find_texts(texts.data, tmp_path / "sample", tmp_path / "work").train
    assert all(pair.source.startswith("<BT> ") for pair in made.pairs()), "it is packed as it will be"
    assert not any("<BT>" in pair.source for pair in plain.pairs())


def test_a_text_that_nobody_makes_is_told(chain: Path) -> None:
    change(chain / "recipe.yaml", data__translate={"made.en": {"text": "mono.de", "by": "nonexistent.yaml"}})
    with pytest.raises(OptionsError, match=r"data\.translate\.made\.en\.by: nonexistent\.yaml: no such recipe"):
        dry_run(load(chain))


def test_what_is_wrong_with_who_makes_a_text_is_told(chain: Path) -> None:
    (chain / "own.en").write_bytes(b"good\n\xff\n")
    change(chain / "reverse.yaml", data__valid={"source": "train.de", "target": "own.en"})
    with pytest.raises(DataError, match=r"own\.en:2: invalid UTF-8"):
        dry_run(load(chain))


def test_text_at_hand_is_sampled_and_all_other_is_made_up(recipe: Path, tmp_path: Path) -> None:
    (recipe / "valid.de").unlink()
    located = load(recipe)
    texts = sample(located, tmp_path / "sample")
    assert texts.told == {
        "train corpus1": "300 of its own pairs",
        "valid": "12 pairs made up; training will want valid.de: not here, and without an address",
        "test test": "12 of its own pairs",
    }
    for side, language in (("source", "en"), ("target", "de")):
        own = (recipe / f"train.{language}").read_text()
        assert (tmp_path / "sample" / f"train-corpus1.{side}").read_text() == own
    assert texts.data.filters == located.recipe.data.filters


def test_only_what_nothing_brings_or_makes_is_told_to_be_missing(recipe: Path, chain: Path, tmp_path: Path) -> None:
    (recipe / "valid.de").unlink()
    url = {"url": "https://example.org/v.de", "sha256": "0" * 64}
    located = changed(recipe, data={"files": {"valid.de": url}})
    assert sample(located, tmp_path / "sample").told["valid"] == "12 pairs made up"
    assert "without an address" not in str([*sample(load(chain), tmp_path / "chain").told.values()])
    assert "without an address" not in str([*sample(load(Path("quickstart")), tmp_path / "quick").told.values()])


@pytest.mark.parametrize(("source", "target", "german"), [("en", "de", "target"), ("de", "en", "source")])
def test_made_up_text_stands_on_the_side_of_its_language(
    source: str, target: str, german: str, recipe: Path, tmp_path: Path
) -> None:
    data = {"source": source, "target": target, "train": [{"source": "a", "target": "b"}]}
    sample(changed(recipe, data=data), tmp_path / "sample")
    text = (tmp_path / "sample" / f"train-corpus1.{german}").read_text()
    assert {"der", "die", "das"} & set(text.split())


def test_lines_columns_and_compression_are_those_of_the_recipe(recipe: Path, tmp_path: Path) -> None:
    rows = [f"{number}\talpha {number}\tbeta {number}\n" for number in range(1, 60)]
    (recipe / "all.tsv.gz").write_bytes(gzip.compress("".join(rows).encode()))
    corpus = {"tsv": "all.tsv.gz", "columns": [2, 3], "lines": "11-", "name": "mine", "weight": 2.0}
    texts = sample(changed(recipe, data={"train": [corpus]}), tmp_path / "sample")
    assert (tmp_path / "sample" / "train-mine.target").read_text().splitlines()[0] == "beta 11"
    [taken] = texts.data.train
    assert (taken.name, taken.weight) == ("mine", 2.0)


def test_long_and_empty_lines_are_no_part_of_a_sample(recipe: Path, tmp_path: Path) -> None:
    for side in ("en", "de"):
        text = (recipe / f"train.{side}").read_text()
        (recipe / f"train.{side}").write_text("alpha " * 99 + "\n\n" + text)
    texts = sample(load(recipe), tmp_path / "sample")
    assert texts.told["train corpus1"] == "300 of its own pairs"


def test_the_model_is_cut_but_of_the_same_kind(recipe: Path, tmp_path: Path) -> None:
    model = {
        "preset": "big",
        "norm_order": "pre",
        "norm": "rms",
        "activation": "swiglu",
        "positions": {"kind": "rotary"},
        "tying": "decoder",
        "attention_dropout": 0.1,
        "width": 1024,
        "heads": 16,
        "inner": 4096,
        "encoder_layers": 12,
        "decoder_layers": 1,
    }
    located = changed(recipe, model=model)
    small = cut(located, sample(located, tmp_path / "sample")).model
    full = located.recipe.model
    assert (small.width, small.heads, small.inner, small.encoder_layers, small.decoder_layers) == (32, 2, 64, 2, 1)
    sizes = {"width", "heads", "inner", "encoder_layers", "decoder_layers"}
    assert small.model_dump(exclude=sizes) == full.model_dump(exclude=sizes)
    assert not isinstance(small.positions, Sinusoid)


def test_what_training_does_is_cut_in_length_alone(recipe: Path, tmp_path: Path) -> None:
    training = {
        "updates": "100k",
        "time": "8h",
        "batch_tokens": "25k",
        "accumulate": 8,
        "optimiser": {"kind": "adamw", "rate": 1e-3},
        "schedule": {"kind": "cosine", "warmup": 4000},
        "consistency": "r-drop",
        "sampling": {"alpha": 0.2},
        "word_dropout": {"source": 0.1},
        "ema": 0.999,
        "label_smoothing": 0.2,
    }
    located = changed(recipe, training=training)
    small = cut(located, sample(located, tmp_path / "sample")).training
    kept = {"optimiser", "schedule", "consistency", "sampling", "word_dropout", "ema", "label_smoothing", "average"}
    assert small.model_dump(include=kept) == located.recipe.training.model_dump(include=kept)
    assert (small.updates, small.time, small.batch_tokens) == (6, None, 512)


@pytest.mark.parametrize(
    "keys",
    [
        {"vocabulary": {"kind": "bpe", "size": 32_000}},
        {"vocabulary": {"kind": "char", "byte_fallback": False, "size": 400}},
        {"vocabulary": {"joint": False, "size": 16_000, "symbols": ["<de>"]}, "model": {"tying": "decoder"}},
        {
            "training": {"batch_tokens": "auto", "update_tokens": 25_000, "consistency": "r-drop"},
            "model": {"dropout": 0.1},
        },
        {"training": {"average": {"take": "best", "count": 2}, "checkpoint": {"keep_best": 2}, "ema": 0.99}},
        {"training": {"schedule": "noam", "sampling": {"alpha": 0.1}, "word_dropout": {"source": 0.1}}},
        {
            "decoding": {"strategy": {"kind": "beam", "width": 5}},
            "model": {"positions": "relative", "norm_order": "pre"},
        },
        {"data": {"source": "cs", "target": "zh", "test": {}}},
    ],
    ids=str,
)
def test_it_runs_through(keys: dict[str, Any], recipe: Path, tmp_path: Path) -> None:
    for file in ("train.en", "valid.de"):
        (recipe / file).unlink()
    assert dry_run(changed(recipe, **keys)).sound
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("joint", [True, False])
def test_a_script_of_many_characters_has_room(joint: bool, recipe: Path) -> None:
    rng = np.random.default_rng(1)
    letters, signs = [chr(code) for code in range(97, 123)], [chr(0x4E00 + code) for code in range(900)]
    for side, alphabet, size in (("en", [*letters, " "], 80), ("de", signs, 20)):
        lines = ["".join(rng.choice(alphabet, size)) for _ in range(300)]
        (recipe / f"train.{side}").write_text("".join(line + "\n" for line in lines))
    assert dry_run(changed(recipe, vocabulary={"joint": joint}, model={"tying": "decoder"})).sound


def test_a_vocabulary_at_hand_is_used(recipe: Path) -> None:
    texts = ((recipe / f"train.{side}").read_text().splitlines() for side in ("en", "de"))
    (recipe / "own.model").write_bytes(learn(itertools.chain.from_iterable(texts), VocabularyOptions(size=285)))
    located = changed(recipe, vocabulary={"file": "own.model"})
    assert parameter_count(located) == Transformer(located.recipe.model, 285, 285).parameter_count
    assert dry_run(located).sound


def test_a_metric_that_takes_minutes_is_left_out(recipe: Path) -> None:
    expect = {"test": {"comet": [80, 90], "exact": [0, 100]}}
    facts = dry_run(changed(recipe, expect=expect)).facts
    assert facts["scored"] == "test: BLEU, chrF2, TER, exact"
    assert "expect.test.comet [80.0, 90.0] to null" in facts["cut"]


@pytest.mark.parametrize("tying", ["three-way", "none"])
def test_the_parameters_are_those_of_the_whole_model(tying: str, recipe: Path) -> None:
    located = changed(recipe, model={"tying": tying, "encoder_layers": 5}, vocabulary={"size": 3000})
    whole = Transformer(located.recipe.model, 3000, 3000)
    assert parameter_count(located) == whole.parameter_count
    assert dry_run(located).facts["recipe"] == f"backwards: {whole.parameter_count:,} parameters in full"


def test_a_signature_that_is_not_the_recorded_one_is_told(recipe: Path) -> None:
    recorded = "nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:2.0.0"
    tried = dry_run(changed(recipe, evidence={"signatures": {"bleu": recorded}}))
    assert not tried.sound
    assert "test bleu: found nrefs:1|case:mixed|eff:no|tok:13a" in tried.facts["signatures"]
    assert tried.facts["signatures"].endswith(f"recorded {recorded}")
    same = recorded.replace("lc", "mixed")  # of another version, which may well be
    assert dry_run(changed(recipe, evidence={"signatures": {"bleu": same}})).facts["signatures"] == "as recorded"


def test_damaged_text_at_hand_is_told_and_nothing_is_left(recipe: Path, tmp_path: Path) -> None:
    (recipe / "train.de").write_bytes(b"gut\n\xff\n" + (recipe / "train.de").read_bytes())
    with pytest.raises(DataError, match=r"train\.de:2: invalid UTF-8"):
        dry_run(load(recipe))
    assert not list((tmp_path / "temporary").iterdir())


def test_it_is_for_one_process(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OptionsError, match="dry run: found 2 ranks, wanted one process"):
        dry_run(load(recipe))
