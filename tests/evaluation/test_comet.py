import sys
from pathlib import Path

import pytest

from nmtk.errors import OptionsError
from nmtk.evaluation.metrics import Comet, evaluate
from nmtk.evaluation.significance import Resampling, evaluate_systems
from tests.evaluation.conftest import Judge

SOURCE, REFERENCE = ["One.", "Two dogs.", ""], ["Eins.", "Zwei Hunde.", ""]
HYPOTHESES = ["Eins.", "Zwei Katzen.", ""]


def test_the_model_is_asked_for_each_sentence_and_the_score_is_the_mean(comet: Judge) -> None:
    [score] = evaluate(HYPOTHESES, [REFERENCE], [Comet(model="Unbabel/x")], SOURCE)
    [asked] = comet.asked
    assert asked["samples"][1] == {"src": "Two dogs.", "mt": "Zwei Katzen.", "ref": "Zwei Hunde."}
    alike = comet.predict(asked["samples"]).scores
    assert score.score == pytest.approx(100 * sum(alike) / 3)
    assert score.name == "COMET"
    assert "nrefs:1" in score.signature
    assert "model:Unbabel/x" in score.signature
    assert score.json()["model"] == "Unbabel/x"


def test_the_paired_tests_work_on_it_too(comet: Judge) -> None:
    systems = [("a", HYPOTHESES * 20), ("b", REFERENCE * 20), ("c", HYPOTHESES * 20)]
    for paired in ("bs", "ar"):
        found = evaluate_systems(
            systems, [("ref", REFERENCE * 20)], [Comet()], SOURCE * 20, Resampling(paired, trials=200)
        )
        [[a], [b], [c]] = found.values()
        assert b.score == pytest.approx(100)
        assert b.differs
        assert c.score == a.score
        assert not c.differs


def test_a_checkpoint_in_a_file_is_not_downloaded(
    comet: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.ckpt").touch()
    loaded: list[str] = []

    def load(path: str) -> Judge:
        loaded.append(path)
        return comet

    monkeypatch.setattr("comet.load_from_checkpoint", load)
    evaluate(HYPOTHESES, [REFERENCE], [Comet(model=str(tmp_path / "model.ckpt"))], SOURCE)
    assert loaded == [str(tmp_path / "model.ckpt")]


def test_a_model_that_cannot_be_had_is_told(comet: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> str:
        raise KeyError(f"Model '{name}' not supported by COMET.")

    monkeypatch.setattr("comet.download_model", refuse)
    with pytest.raises(OptionsError, match=r"^comet: Unbabel/y cannot be had: .*Unbabel/y.* not supported"):
        evaluate(HYPOTHESES, [REFERENCE], [Comet(model="Unbabel/y")], SOURCE)


def test_without_a_source_or_with_two_references_it_says_what_it_wants(comet: Judge) -> None:
    with pytest.raises(OptionsError, match=r"^comet: wanted the source that was translated too: --source SRC$"):
        evaluate(HYPOTHESES, [REFERENCE], ["comet"])
    with pytest.raises(OptionsError, match=r"^comet: found 2 references, wanted one$"):
        evaluate(HYPOTHESES, [REFERENCE, REFERENCE], ["comet"], SOURCE)


def test_when_it_is_not_installed_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "comet", None)
    with pytest.raises(OptionsError, match=r"^comet: wanted the package unbabel-comet: pip install 'nmtk\[comet\]'$"):
        evaluate(HYPOTHESES, [REFERENCE], ["comet"], SOURCE)
