"""Search in a real Transformer, against searches that ask it for the whole sentence again at every step."""

from collections.abc import Sequence

import pytest
import torch

from nmtk.decoding.batching import source_batch
from nmtk.decoding.hypotheses import Hypothesis
from nmtk.decoding.penalties import Average, Gnmt, NoPenalty, Penalty
from nmtk.decoding.search import search
from nmtk.decoding.strategies import Beam, DiverseBeam, Greedy, Sampling, Strategy
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from tests.decoding.kit import BOS, EOS, SPECIALS, WORDS, Asked, all_sentences, same, slow_beam, slow_diverse_beam

SIZE = 2 + len(WORDS)
SOURCES = [[2, 3, 4, 2], [4], [3, 3], [], [4, 3, 2]]
LIMITS = [5, 4, 5, 3, 1]

each_position = pytest.mark.parametrize("positions", ["sinusoid", "learned", "relative", "rotary"])


def random_model(positions: str) -> Transformer:
    torch.manual_seed(1)
    options = {"width": 16, "heads": 2, "inner": 32, "encoder_layers": 1, "decoder_layers": 2, "tying": "none"}
    model = Transformer(TransformerOptions.parse(options | {"positions": positions}, "test"), SIZE, SIZE).eval()
    with torch.no_grad():
        model.output_weight_VD.mul_(3.0)  # else all tokens are about as likely
    return model


class Uncached(Asked):
    """Answers by a pass over one source, unpadded, and all of the history."""

    def __init__(self, model: Transformer) -> None:
        self.model = model
        self.known: dict[tuple[int, ...], list[float]] = {}

    @torch.inference_mode()
    def next(self, source: int, history: Sequence[int]) -> list[float]:
        key = (source, *history)
        if key not in self.known:
            logits_BTV = self.model(torch.tensor([[*SOURCES[source], EOS]]), None, torch.tensor([[BOS, *history]]))
            self.known[key] = logits_BTV[0, -1].log_softmax(-1).tolist()
        return self.known[key]


def run(model: Transformer, strategy: Strategy, best: int) -> list[list[Hypothesis]]:
    source_BS, keep_BS = source_batch(SOURCES, EOS, EOS, torch.device("cpu"))
    return search(model, source_BS, keep_BS, LIMITS, strategy, SPECIALS, best)


@each_position
@pytest.mark.parametrize("penalty", [Gnmt(), Average(), NoPenalty()], ids=str)
def test_a_beam_that_holds_everything_finds_the_best_of_all_sentences(positions: str, penalty: Penalty) -> None:
    model = random_model(positions)
    beam = Beam(width=3**4, penalty=penalty, stop="exact")
    for source, found in enumerate(run(model, beam, 3)):
        assert same(found, all_sentences(Uncached(model), source, LIMITS[source], beam)[:3])


@each_position
@pytest.mark.parametrize("width", [1, 2, 4])
def test_the_search_is_the_slow_one(positions: str, width: int) -> None:
    model, beam = random_model(positions), Beam(width=width)
    for source, found in enumerate(run(model, beam, width)):
        assert same(found, slow_beam(Uncached(model), source, LIMITS[source], beam)[:width])


@each_position
def test_greedy_search_is_a_slow_beam_of_one(positions: str) -> None:
    model, beam = random_model(positions), Beam(width=1, penalty=NoPenalty())
    for source, found in enumerate(run(model, Greedy(), 1)):
        assert same(found, slow_beam(Uncached(model), source, LIMITS[source], beam))


@each_position
@pytest.mark.parametrize(("width", "groups"), [(4, 2), (3, 3)])
def test_groups_are_those_of_the_slow_search(positions: str, width: int, groups: int) -> None:
    """Where each group is one row, rows stand apart in the cache."""
    model, beam = random_model(positions), DiverseBeam(width=width, groups=groups)
    for source, found in enumerate(run(model, beam, width)):
        assert same(found, slow_diverse_beam(Uncached(model), source, LIMITS[source], beam)[:width])


@each_position
def test_samples_have_the_probability_that_the_model_gives_them(positions: str) -> None:
    model = random_model(positions)
    for source, found in enumerate(run(model, Sampling(samples=4), 4)):
        assert len(found) == 4
        for one in found:
            assert one.token_logps == pytest.approx(Uncached(model).logps(source, one.ids), abs=1e-4)
