"""A line's translation does not depend on the batch that it is made in: on real text."""

import gzip
import itertools
from pathlib import Path

import pytest

from nmtk.bundle import Bundle
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.strategies import Beam, Greedy, Strategy
from tests.benchmarks.decoding.exact import compare


@pytest.mark.parametrize("strategy", [Greedy(), Beam(width=4)], ids=lambda one: one.kind)
def test_real_lines_are_translated_alike_in_any_company(bundle: Bundle, corpora: Path, strategy: Strategy) -> None:
    with gzip.open(corpora / "multi30k/test_2016_flickr.en.gz", "rt", encoding="utf-8") as file:
        lines = [line.strip() for line in itertools.islice(file, 60)]
    options = DecodingOptions(strategy=strategy, longest=20)
    for arrangement, texts, score in compare(bundle, options, lines[:40], lines[40:]):
        assert texts == 0, arrangement
        assert score < 1e-4, arrangement
