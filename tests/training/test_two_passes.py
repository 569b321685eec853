"""The step with word dropout and with two passes: what it sees of a batch, and on how many ranks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from nmtk.bundle import checkpoints_in
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.training import step as module
from nmtk.training.consistency import Consistency, RDrop, SimCut
from nmtk.training.step import TrainingStep
from nmtk.training.word_dropout import WordDropout, draw_known
from tests.training.conftest import Train
from tests.training.kit import vocabularies
from tests.training.launch import launch
from tests.training.test_consistency import KINDS, plain
from tests.training.test_step import batch

WORDS = WordDropout(source=0.2, target=0.3)


def step(
    words: WordDropout | None = None, consistency: Consistency | None = None, dropout: float = 0.0
) -> TrainingStep:
    torch.manual_seed(0)
    options = TransformerOptions(width=16, heads=2, inner=32, encoder_layers=1, decoder_layers=1, dropout=dropout)
    size = len(vocabularies().source)
    return TrainingStep(Transformer(options, size, size), 0.1, torch.float32, words, consistency)


def known_by_id(ids_BT: Tensor, rates: Sequence[float]) -> Tensor:
    """Chance that is the same wherever a token stands: so it does not matter how batches are shared out."""
    parts = ids_BT.view(len(rates), -1, ids_BT.size(1))
    return torch.cat([ids_BT * 37 % 100 >= 100 * rate for ids_BT, rate in zip(parts, rates, strict=True)])


@pytest.mark.parametrize("words", [None, WORDS])
@pytest.mark.parametrize("kind", KINDS)
def test_is_the_loss_of_two_passes_made_one_by_one(
    kind: Consistency, words: WordDropout | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "draw_known", known_by_id)
    one, given = step(words, kind), batch(9)
    model, gold_N = one.model, given.gold_BT.flatten()[given.real_N]
    dropped = words or WordDropout(source=0, target=0)
    hidden = []
    for cut in (0.0, kind.cut):
        rates = [1 - (1 - rate) * (1 - cut) for rate in (dropped.source, dropped.target)]
        known_BS, known_BT = (
            known_by_id(ids, [rate]) for ids, rate in zip((given.source_BS, given.target_BT), rates, strict=True)
        )
        memory_BSD = model.encode(given.source_BS, given.keep_BS, known_BS)
        hidden.append(model.decode(given.target_BT, memory_BSD, given.keep_BS, known_BT).flatten(0, 1)[given.real_N])
    wanted, nll = plain(torch.stack(hidden), model.output_weight_VD, gold_N, 0.1, model.output_bias_V, kind.weights)
    found = one(given)
    torch.testing.assert_close(found.smoothed, wanted, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(found.nll, nll.detach(), rtol=1e-5, atol=1e-4)
    parameters = list(one.parameters())
    for mine, other in zip(*(torch.autograd.grad(loss, parameters) for loss in (found.smoothed, wanted)), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-3)


def test_both_passes_have_dropout_of_their_own() -> None:
    given = batch(9)
    twice = given.twice()
    model = step(dropout=0.3).model
    memory_BSD = model.encode(twice.source_BS, twice.keep_BS)
    first, second = model.decode(twice.target_BT, memory_BSD, twice.keep_BS).flatten(0, 1)[twice.real_N].chunk(2)
    assert (first != second).any(1).all()
    model.eval()
    memory_BSD = model.encode(twice.source_BS, twice.keep_BS)
    first, second = model.decode(twice.target_BT, memory_BSD, twice.keep_BS).flatten(0, 1)[twice.real_N].chunk(2)
    torch.testing.assert_close(first, second)


def test_what_is_dropped_is_not_seen() -> None:
    model, given = step().model, batch(9)
    known_BS = draw_known(given.source_BS, [0.5])
    known_BT = draw_known(given.target_BT, [0.5])
    assert known_BS is not None
    assert known_BT is not None
    other_BS = torch.where(known_BS, given.source_BS, 17)
    other_BT = torch.where(known_BT, given.target_BT, 17)

    def hidden(source_BS: Tensor, target_BT: Tensor) -> Tensor:
        return model.decode(
            target_BT, model.encode(source_BS, given.keep_BS, known_BS), given.keep_BS, known_BT
        ).flatten(0, 1)[given.real_N]

    assert torch.equal(hidden(given.source_BS, given.target_BT), hidden(other_BS, other_BT))
    assert not torch.equal(hidden(given.source_BS, given.target_BT), hidden(given.source_BS.roll(1, 1), other_BT))


def test_each_pass_loses_its_share() -> None:
    one = step(WORDS, SimCut(probability=0.5))
    known = draw_known(torch.zeros(2000, 100, dtype=torch.int64), one.target_rates)
    assert known is not None
    first, second = (float(part.float().mean()) for part in known.chunk(2))
    assert first == pytest.approx(0.7, abs=0.01)
    assert second == pytest.approx(0.35, abs=0.01)
    assert draw_known(torch.zeros(4, 5), step(None, RDrop()).source_rates) is None


@pytest.mark.parametrize("kind", KINDS)
def test_is_not_there_while_the_model_is_evaluated(kind: Consistency) -> None:
    given = batch(9)
    with torch.no_grad():
        found, wanted = step(WORDS, kind, dropout=0.3).eval()(given), step().eval()(given)
    assert torch.equal(torch.stack(found), torch.stack(wanted))


class _Recorded(TorchDispatchMode):
    """The names of all operations."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def test_when_it_is_off_nothing_is_done_for_it() -> None:
    one, given = step(), batch(9)
    recorded = []
    for training in (True, False):
        one.train(training)
        with _Recorded() as operations:
            one(given)
        recorded.append(operations.names)
    assert recorded[0] == recorded[1]
    with _Recorded() as operations:
        step(WORDS)(given)
    assert "aten.rand.default" in operations.names
    assert "aten.rand.default" not in recorded[0]


def _by_id(rank: int) -> None:
    pytest.MonkeyPatch().setattr(module, "draw_known", known_by_id)


@pytest.mark.parametrize("sharding", ["none", "full"])
def test_two_ranks_train_as_one(
    train: Train, recipe: Path, tmp_path: Path, sharding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ["training.updates=3", "model.dropout=0", "training.accumulate=2", "training.optimiser.epsilon=0.01"]
    settings += ["training.consistency={kind: simcut, probability: 0.3}", "training.word_dropout={source: 0.2}"]
    monkeypatch.setattr(module, "draw_known", known_by_id)
    alone = train("alone", *settings)
    assert alone.returncode == 0, alone.stderr
    where = ("train", recipe, "-o", tmp_path / "both", f"training.sharding={sharding}")
    launch(tmp_path / "told", *where, *settings, patch=_by_id)
    one, other = (load_file(checkpoints_in(tmp_path / run)[3] / "model.safetensors") for run in ("alone", "both"))
    for name in one:
        assert (one[name] - other[name]).abs().max() < 2e-5, name
