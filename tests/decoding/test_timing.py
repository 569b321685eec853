"""Timing translates what it says, for as long as it says."""

import pytest
import torch

from nmtk.decoding.specials import Specials
from nmtk.decoding.strategies import Beam, Greedy, Strategy
from nmtk.decoding.timing import Question, time_search
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from tests.decoding.copying import SMALL

QUESTIONS = [Question([5] * length, length + 2) for length in (1, 4, 9, 3, 7, 2)]


def timed(strategy: Strategy, seconds: float) -> tuple[list[int], list[int]]:
    torch.manual_seed(0)
    model = Transformer(TransformerOptions.model_validate(SMALL), 5000, 5000).eval()
    specials = Specials(bos=2, eos=3, never=(0, 1, 2))
    found = time_search(model, QUESTIONS, 3, 0, specials, strategy, 12, seconds)
    assert found.seconds > 0
    return found.source_lengths, found.target_lengths


@pytest.mark.parametrize("strategy", [Greedy(), Beam(width=3)])
def test_a_model_without_training_translates_each_sentence_at_its_limit(strategy: Strategy) -> None:
    source, target = timed(strategy, 1000.0)
    assert sorted(source) == sorted(len(question.source) + 1 for question in QUESTIONS)
    assert target == [length + 2 for length in source], "their limits, </s> included"


def test_time_that_is_up_ends_it_after_a_batch() -> None:
    source, _ = timed(Greedy(), 0.0)
    assert 0 < len(source) < len(QUESTIONS)
