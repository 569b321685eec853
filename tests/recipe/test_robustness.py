"""Laws of the robustness card: what its figures are figures of, and where it is written."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from nmtk.data.pairs import Pair
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.translator import Translation, Translator
from nmtk.documents import read_yaml, to_yaml
from nmtk.errors import DataError, OptionsError
from nmtk.evaluation.metrics import Bleu, Chrf, evaluate
from nmtk.evaluation.robustness import PERTURBATIONS, RobustnessOptions, drawing, is_short, single_words
from nmtk.recipe.robustness import Robustness, examine, examine_run
from tests.decoding.copying import copying_bundle, sentences
from tests.recipe.test_evaluate import make_run
from tests.training.conftest import Train, recipe, train

__all__ = ["recipe", "train"]

SOURCES = sentences(6, 1)
REFERENCES = [line.replace("dog", "Hund").replace("old", "alt") for line in SOURCES]
OPTIONS = RobustnessOptions(lines=6, seed=3)


class Known:
    """Stands in for a translator that has learned some translations, and says nothing to all else."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known

    def candidates(self, lines: Sequence[str]) -> Iterator[list[Translation]]:
        for line in lines:
            yield [Translation(self.known.get(line, ""), 0.0, 0.0, [], [], 1, False)]


def card_of(
    known: dict[str, str], sources: Sequence[str], references: Sequence[str], plain: Sequence[str]
) -> Robustness:
    pairs = [
        Pair(source, target, line) for line, (source, target) in enumerate(zip(sources, references, strict=True), 1)
    ]
    return examine(cast(Any, Known(known)), "test", pairs, plain, OPTIONS, "de")


def test_a_model_that_takes_no_harm_has_the_score_of_the_plain_text() -> None:
    plain = [*REFERENCES[:-1], "Hund."]
    known: dict[str, str] = {}
    for kind, perturb in PERTURBATIONS.items():
        case = perturb(SOURCES, drawing(OPTIONS.seed, kind))
        known |= zip(case.sources, case.become(plain), strict=True)
    card = card_of(known, SOURCES, REFERENCES, plain)
    for kind in PERTURBATIONS:
        found = card.findings[kind]
        assert [score for score, _ in found.scores] == [plain for _, plain in found.scores]
        assert (found.empty, found.looped) == (0, 0)
        assert 0 < found.scores[0][0].score < 100
    assert card.findings["numbers"].copied == card.findings["urls"].copied == 100


def test_a_model_that_says_nothing_has_nothing() -> None:
    card = card_of({}, SOURCES, REFERENCES, REFERENCES)
    for kind, found in card.findings.items():
        assert found.empty == found.lines
        assert all((score.score, plain.score) == (0, pytest.approx(100)) for score, plain in found.scores)
        assert (found.copied, found.short) == (
            0 if kind in ("numbers", "urls") else None,
            0 if not found.scores else None,
        )


def test_the_figures_are_of_what_the_model_makes_of_the_changed_text() -> None:
    translator = Translator(copying_bundle(), DecodingOptions())
    pairs = [Pair(source, target, 1) for source, target in zip(SOURCES, REFERENCES, strict=True)]
    card = examine(translator, "test", pairs, REFERENCES, OPTIONS, "de")
    upper = translator.translate_all([line.upper() for line in SOURCES])
    wanted = evaluate(upper, [REFERENCES], [Bleu(lowercase=True), Chrf(lowercase=True)])
    assert [score for score, _ in card.findings["upper-case"].scores] == wanted
    words = single_words(SOURCES, drawing(OPTIONS.seed, "single-words"))
    found = [translations[0] for translations in translator.candidates(words)]
    short = sum(is_short(one.text) and not one.looped for one in found)
    assert card.findings["single-words"].short == 100 * short / len(words)
    assert card.findings["single-words"].looped == sum(one.looped for one in found)


def test_lines_without_text_are_left_out_and_only_the_first_are_taken() -> None:
    texts = [["", *SOURCES], [REFERENCES[0], "", *REFERENCES[1:]], ["", "", *REFERENCES[1:]]]
    card = card_of({}, *texts)
    assert card.options.lines == card.findings["typos"].lines == 5
    assert card.findings["two-in-a-line"].lines == 2
    many = [line for _ in range(5) for line in SOURCES]
    assert card_of({}, many, many, many).options.lines == OPTIONS.lines
    with pytest.raises(
        DataError, match=r"^test: no line with text on both sides, wanted some for the robustness card$"
    ):
        card_of({}, ["", "a"], ["a", " "], ["", ""])


def test_one_line_has_a_card_too() -> None:
    card = card_of({}, SOURCES[:1], REFERENCES[:1], REFERENCES[:1])
    assert card.findings.keys() == {*PERTURBATIONS, "single-words"} - {"two-in-a-line"}
    assert len(card.text().splitlines()) == 2 + len(card.findings)


def set_robustness(run: Path, lines: int, seed: int) -> None:
    document = read_yaml(run / "recipe.yaml") | {"robustness": {"lines": lines, "seed": seed}}
    (run / "recipe.yaml").write_text(to_yaml(document))


def test_the_card_of_a_run_is_of_its_first_test_set_and_stands_in_run_and_model(tmp_path: Path) -> None:
    run = make_run(tmp_path, "first")
    set_robustness(run, lines=8, seed=4)
    card = examine_run(run)
    assert card.options == RobustnessOptions(lines=8, seed=4)
    assert (card.test, card.findings["typos"].lines) == ("small", 8)
    document = json.loads((run / "robustness.json").read_text())
    assert document == card.document() == read_yaml(run / "model" / "card.yaml")["robustness"]
    assert document["kinds"]["upper-case"]["scores"][0].keys() == {"name", "score", "plain", "signature"}
    assert "case:lc" in document["kinds"]["upper-case"]["scores"][0]["signature"]
    assert examine_run(run) == card


def test_a_card_of_other_lines_is_not_written(tmp_path: Path) -> None:
    run = make_run(tmp_path, "first")
    set_robustness(run, lines=8, seed=4)
    examine_run(run)
    files = run / "robustness.json", run / "model" / "card.yaml"
    before = [file.read_bytes() for file in files]
    assert examine_run(run, 5).options == RobustnessOptions(lines=5, seed=4)
    assert [file.read_bytes() for file in files] == before


def test_a_recipe_that_asks_for_no_card_has_one_of_the_lines_asked_for(tmp_path: Path) -> None:
    run = make_run(tmp_path, "first")
    set_robustness(run, lines=0, seed=1)
    with pytest.raises(
        OptionsError, match=r"first: robustness\.lines: its recipe asks for no card: found 0, wanted --l"
    ):
        examine_run(run)
    assert examine_run(run, 5).findings["typos"].lines == 5
    assert not (run / "robustness.json").exists()


def test_a_run_without_a_test_set_has_no_card(tmp_path: Path) -> None:
    run = make_run(tmp_path, "first")
    text = (run / "recipe.yaml").read_text()
    before, after = text.index("  test:\n"), text.index("  filters:\n")
    (run / "recipe.yaml").write_text(text[:before] + text[after:])
    with pytest.raises(DataError, match=r"first: its recipe has no test set, wanted one for the robustness card"):
        examine_run(run)


def test_training_ends_with_the_card(train: Train, tmp_path: Path) -> None:
    assert train("none").returncode == 0
    assert not (tmp_path / "none" / "robustness.json").exists()
    ended = train("some", "robustness.lines=5")
    assert ended.returncode == 0, ended.stderr
    card = read_yaml(tmp_path / "some" / "model" / "card.yaml")
    assert card["robustness"]["lines"] == 5
    assert card["robustness"] == json.loads((tmp_path / "some" / "robustness.json").read_text())
    assert "robustness on test, 5 lines" in ended.stderr
    assert card["scores"]
