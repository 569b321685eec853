import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from nmtk.bundle import Bundle
from nmtk.decoding.crew import Processes, Worker
from nmtk.decoding.hypotheses import Hypothesis
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.sentences import Sentence
from nmtk.decoding.strategies import Beam, Sampling
from nmtk.decoding.translator import Translator
from nmtk.errors import NmtkError
from tests.decoding.copying import sentences

LINES = sentences(50, 1001)


def open_worker(folder: Path, options: DecodingOptions) -> Worker:
    return Translator(Bundle.load(folder), options).decide


def open_dying() -> Worker:
    def die(batch: Sequence[Sentence], best: int) -> list[list[Hypothesis]]:
        os._exit(1)

    return die


@pytest.mark.parametrize("strategy", [Beam(width=3), Sampling(samples=3, seed=5)], ids=lambda one: one.kind)
def test_a_crew_says_what_one_process_says(folder: Path, strategy: Beam | Sampling) -> None:
    options = DecodingOptions(strategy=strategy, batch_tokens=60)
    lines = [*LINES[:20], "", *LINES[20:]]
    alone = Translator(Bundle.load(folder), options).candidates(lines, 16, 2, first=7)
    with Processes(partial(open_worker, folder, options), 2) as crew:
        together = Translator(Bundle.load(folder), options, crew).candidates(lines, 16, 2, first=7)
        for one, other in zip(alone, together, strict=True):
            assert [found.text for found in one] == [found.text for found in other]
            assert [found.score for found in one] == pytest.approx([found.score for found in other], abs=1e-5)


def test_a_short_text_starts_no_processes(folder: Path, bundle: Bundle) -> None:
    with Processes(open_dying, 2) as crew:
        translator = Translator(bundle, DecodingOptions(), crew)
        assert len(list(translator.translate(LINES[:5], buffer=6))) == 5


def test_a_process_that_dies_is_told(bundle: Bundle) -> None:
    with (
        Processes(open_dying, 2) as crew,
        pytest.raises(
            NmtkError, match=r"^a translating process died, out of memory perhaps: use fewer --threads than 2$"
        ),
    ):
        list(Translator(bundle, DecodingOptions(), crew).translate(LINES, buffer=16))
