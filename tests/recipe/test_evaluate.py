"""Laws of scoring runs: what is translated again and what is not, and what two runs are compared on."""

import importlib.util
from pathlib import Path

import pytest
import torch
from rich.console import Console

from nmtk.bundle import Bundle
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.translator import Translator
from nmtk.documents import Document
from nmtk.errors import DataError, ModelError, OptionsError
from nmtk.evaluation.comparison import words_of
from nmtk.evaluation.metrics import Bleu, Chrf, Metric, TokenisedBleu, evaluate
from nmtk.evaluation.significance import Resampling
from nmtk.recipe.compare import compare_runs
from nmtk.recipe.evaluate import check_metrics, evaluate_run, metrics_of
from nmtk.recipe.home import claim, open_run
from nmtk.recipe.recipe import Located, Recipe, load
from nmtk.recipe.robustness import examine_run
from nmtk.recipe.run import train
from nmtk.training.checkpoints import folder_of
from tests.decoding.copying import copying_bundle, sentences
from tests.training.conftest import recipe

__all__ = ["recipe"]

METRICS: list[Metric] = [Bleu(), Chrf()]


def worse(bundle: Bundle) -> Bundle:
    """The same model, with some of its weights shaken."""
    model = type(bundle.model)(bundle.model.options, len(bundle.vocabularies.source), len(bundle.vocabularies.target))
    model.load_state_dict(bundle.model.state_dict())
    torch.manual_seed(2)
    with torch.no_grad():
        for value in model.parameters():
            value += 0.05 * torch.randn_like(value)
    return bundle._replace(model=model.eval())


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path, "first")


def make_run(folder: Path, name: str, bundle: Bundle | None = None, test: int = 3) -> Path:
    """A run with a final model and two checkpoints, whose recipe has two test sets."""
    for text, seed in (("train", 0), ("valid", 1), ("small", 2), (f"test{test}", test)):
        lines = sentences(20 if text == "small" else 40, seed)
        for side in ("en", "de"):
            (folder / f"{text}.{side}").write_text("".join(line + "\n" for line in lines))
    document: Document = {
        "name": "copy",
        "data": {
            "source": "en",
            "target": "de",
            "train": [{"source": "train.en", "target": "train.de"}],
            "valid": {"source": "valid.en", "target": "valid.de"},
            "test": {
                "small": {"source": "small.en", "target": "small.de"},
                "large": {"source": f"test{test}.en", "target": f"test{test}.de"},
            },
        },
        "vocabulary": {"size": 300},
        "training": {"updates": 1},
    }
    run = folder / name
    claim(run, Located(Recipe.parse(document, "recipe"), folder))
    bundle = bundle or copying_bundle()
    bundle.save(run / "model")
    worse(bundle).save(folder_of(run, 10))
    bundle.save(folder_of(run, 1000))
    return run


def into(run: Path, language: str) -> None:
    """The run's target language is another one."""
    document = (run / "recipe.yaml").read_text()
    (run / "recipe.yaml").write_text(document.replace("target: de\n", f"target: {language}\n"))


@pytest.fixture
def translated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lines were translated, each time that there were some."""
    counts: list[int] = []
    translate = Translator.translate_all

    def counting(self: Translator, lines: list[str]) -> list[str]:
        counts.append(len(lines))
        return translate(self, lines)

    monkeypatch.setattr(Translator, "translate_all", counting)
    return counts


def test_each_test_set_is_translated_and_scored(run: Path) -> None:
    found = evaluate_run(run, METRICS)
    assert list(found) == ["small", "large"]
    for name, seed, count in (("small", 2, 20), ("large", 3, 40)):
        text = sentences(count, seed)
        lines = Translator(copying_bundle(), DecodingOptions()).translate_all(text)
        assert found[name] == {"model": evaluate(lines, [text], METRICS)}
        assert (run / "translations" / f"{name}.txt").read_text().splitlines() == lines


def test_scoring_takes_the_test_sets_and_not_what_was_trained_on(run: Path, tmp_path: Path) -> None:
    for text in ("train.en", "train.de", "valid.en", "valid.de"):
        (tmp_path / text).unlink()
    assert list(evaluate_run(run, METRICS)) == ["small", "large"]
    assert examine_run(run, 5).test == "small"
    (tmp_path / "small.de").unlink()
    with pytest.raises(DataError, match=r"small\.de"):
        evaluate_run(run, METRICS)


def test_what_was_translated_once_is_not_translated_again(run: Path, translated: list[int]) -> None:
    first = evaluate_run(run, METRICS)
    assert translated == [20, 40]
    assert evaluate_run(run, METRICS) == first
    assert [len(scores) for rows in evaluate_run(run, METRICS[:1]).values() for scores in rows.values()] == [1, 1]
    assert translated == [20, 40]


def test_what_training_translated_at_its_end_is_not_translated_again(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = train(load(recipe), tmp_path / "run", False, Console(quiet=True))
    assert scores is not None
    monkeypatch.delattr(Bundle, "load")  # no model is even opened
    found = evaluate_run(tmp_path / "run", METRICS)
    assert found["test"]["model"] == [scores["test"]["bleu"], scores["test"]["chrf"]]


def test_a_metric_that_minds_languages_takes_that_of_the_recipe(run: Path) -> None:
    into(run, "pt")
    scores = evaluate_run(run, [TokenisedBleu(), TokenisedBleu(language="de")])["small"]["model"]
    assert ["-pt-" in scores[0].signature, "-de-" in scores[1].signature] == [True, True]


def test_a_run_into_chinese_is_scored_in_chinese_words(run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path, "other", worse(copying_bundle()))
    for name in (run, other):
        into(name, "zh-Hans")
    recipe = open_run(run).recipe
    [model] = evaluate_run(run, [Bleu()])["small"].values()
    compared = [score for rows in compare_runs((run, other), [Bleu()], Resampling())[0].rows.values() for score in rows]
    card = examine_run(run, 4)
    judged = [
        score for found in card.findings.values() for pair in found.scores for score in pair if score.name == "BLEU"
    ]
    assert metrics_of(recipe, "small")["bleu"] == Bleu(tokenize="zh")
    assert all("|tok:zh|" in score.signature for score in [*model, *compared, *judged])
    assert len(compared) == 2
    assert len(judged) > 2
    told = evaluate_run(run, [Bleu(tokenize="13a")])["small"]["model"]
    assert "|tok:13a|" in told[0].signature


@pytest.mark.skipif(importlib.util.find_spec("MeCab") is not None, reason="MeCab is installed")
def test_a_package_that_a_score_needs_is_missed_before_training(run: Path) -> None:
    into(run, "ja")
    recipe = open_run(run).recipe
    none = recipe.model_copy(update={"data": recipe.data.model_copy(update={"test": {}})})
    for one in (recipe, none):  # without a test set, validation needs it
        with pytest.raises(OptionsError, match=r"^bleu\.tokenize: ja-mecab cannot be used"):
            check_metrics(one)


@pytest.mark.parametrize("change", ["weights", "decoding", "source", "translations", "none of it is there"])
def test_what_would_come_out_otherwise_is_translated_again(change: str, run: Path, translated: list[int]) -> None:
    evaluate_run(run, METRICS)
    wanted = [20, 40]
    match change:
        case "weights":
            worse(copying_bundle()).save(run / "model")
            wanted += [20, 40]
        case "decoding":
            copying_bundle()._replace(decoding={"strategy": {"kind": "greedy"}}).save(run / "model")
            wanted += [20, 40]
        case "source":
            (run.parent / "small.en").write_text((run.parent / "small.en").read_text().replace("dog", "old"))
            wanted += [20]
        case "translations":
            (run / "translations" / "large.txt").write_text("a\n" * 40)
            wanted += [40]
        case _:
            (run / "translations" / "small.txt").unlink()
            (run / "translations" / "large.yaml").unlink()
            wanted += [20, 40]
    evaluate_run(run, METRICS)
    assert translated == wanted


def test_all_checkpoints_are_a_curve_and_have_translations_of_their_own(run: Path, translated: list[int]) -> None:
    final = evaluate_run(run, METRICS)
    curve = evaluate_run(run, METRICS, all_checkpoints=True)
    assert translated == [20, 40] * 3
    for test, rows in curve.items():
        assert list(rows) == ["10", "1000"]
        assert rows["1000"] == final[test]["model"]
        assert rows["10"][0].score < rows["1000"][0].score
    assert evaluate_run(run, METRICS, all_checkpoints=True) == curve
    assert translated == [20, 40] * 3
    assert (run / "translations" / "checkpoints" / "00000010" / "small.txt").is_file()


def test_a_run_without_final_model_is_its_newest_checkpoint_as_the_recipe_wants_it_now_and_says_so(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = evaluate_run(run, METRICS)["small"]["model"]
    (run / "model").rename(run / "elsewhere")
    document = (run / "recipe.yaml").read_text()
    (run / "recipe.yaml").write_text(
        document.replace("max_ratio: 2.0", "max_ratio: 0.5").replace("max_extra: 20", "max_extra: 0")
    )
    told = f"nmtk: warning: {run}: no final model yet, so this is of its newest checkpoint, after 1,000 updates\n"
    found = evaluate_run(run, METRICS)
    assert told in capsys.readouterr().err
    assert found["small"]["model"][0].score < long[0].score
    curve = evaluate_run(run, METRICS, all_checkpoints=True)
    assert {test: rows["model"] for test, rows in found.items()} == {test: row["1000"] for test, row in curve.items()}
    compare_runs((make_run(tmp_path, "other"), run), METRICS, Resampling("bs", 100))
    assert told in capsys.readouterr().err


def test_what_is_suspicious_about_a_run_is_told(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_run(tmp_path, "other")
    monkeypatch.setattr(Translator, "translate_all", lambda translator, lines: ["", *["▁A"] * (len(lines) - 1)])
    evaluate_run(run, METRICS)
    told = capsys.readouterr().err.splitlines()
    for test, count in (("small", 20), ("large", 40)):
        assert f"nmtk: warning: {test}: 1 of {count} hypotheses are empty, and 0 of the references" in told
        assert any(line.startswith(f"nmtk: warning: {test}: ") and "SentencePiece" in line for line in told)
    compare_runs((run, other), METRICS, Resampling())
    told = capsys.readouterr().err.splitlines()
    assert "nmtk: warning: small: first: 1 of 20 hypotheses are empty, and 0 of the references" in told
    assert "nmtk: warning: large: other: 1 of 40 hypotheses are empty, and 0 of the references" in told


def test_a_run_without_checkpoints_says_so(run: Path) -> None:
    (run / "checkpoints").rename(run / "elsewhere")
    with pytest.raises(ModelError, match=r"first: no checkpoints$"):
        evaluate_run(run, METRICS, all_checkpoints=True)


def test_runs_are_compared_on_the_test_sets_that_they_share(run: Path, tmp_path: Path, translated: list[int]) -> None:
    other = make_run(tmp_path, "other", worse(copying_bundle()), test=4)
    [small] = compare_runs((run, other), METRICS, Resampling("bs", 100))
    assert translated == [20, 20]
    assert (small.test, small.sentences, small.frequency) == ("small", 20, "training text")
    assert small.rows["first"] != small.rows["other"]
    assert small.rows["first"][0].score == evaluate_run(run, METRICS)["small"]["model"][0].score
    assert small.differences[-1].change < 0
    assert sum(bucket.size for bucket in small.lengths) == 20


def test_runs_are_compared_without_the_training_text_too(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_run(tmp_path, "other", worse(copying_bundle()))
    (tmp_path / "train.en").unlink()
    small, large = compare_runs((run, other), METRICS, Resampling("bs", 100))
    assert (small.frequency, large.frequency) == ("reference", "reference")
    assert sum(bucket.size for bucket in small.words) == words_of(sentences(20, 2)).total()
    [told] = [line for line in capsys.readouterr().err.splitlines() if "train.en" in line]
    assert told.startswith("nmtk: warning: train.en: in none of: ")
    assert told.endswith("; so words are counted in the reference, and not in the training text")


def test_runs_without_a_common_test_set_cannot_be_compared(run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path, "other")
    text = (other / "recipe.yaml").read_text().replace("small:", "tiny:").replace("large:", "huge:")
    (other / "recipe.yaml").write_text(text)
    with pytest.raises(DataError, match=r"first and .*other: no test set in common: wanted one of the same name"):
        compare_runs((run, other), METRICS, Resampling())
