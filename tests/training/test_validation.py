"""Laws of validation: its scores are those that evaluation has for the same text."""

import pytest
import torch

from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.translator import Translator
from nmtk.evaluation.metrics import Bleu, evaluate
from nmtk.training.options import Validation
from nmtk.training.step import TrainingStep
from nmtk.training.validation import HeldOut, Validator
from tests.decoding.copying import copying_bundle

CHINESE, REFERENCES = ["那个老人坐在河边看书。", "好。"], ["那个老人坐在树下看书。", "好。"]


@pytest.mark.parametrize(("language", "metric"), [("zh-Hans", Bleu(tokenize="zh")), ("", Bleu())])
def test_bleu_is_that_of_the_target_language(language: str, metric: Bleu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Translator, "translate_all", lambda translator, lines: CHINESE)
    bundle = copying_bundle()
    held_out = HeldOut.of(["A dog.", "A cat."], REFERENCES, bundle.vocabularies, 1000)
    validator = Validator(held_out, Validation(metrics=("loss", "bleu", "chrf")), DecodingOptions(), language)
    found = validator.measure(bundle, TrainingStep(bundle.model, 0.1, torch.float32))
    bleu, chrf = evaluate(CHINESE, [REFERENCES], [metric, "chrf"])
    assert (found["bleu"], found["chrf"]) == (bleu.score, chrf.score)
    assert found.keys() == {"loss", "nll", "ppl", "bleu", "chrf"}
