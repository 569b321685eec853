"""The forward pass of training, in either precision."""

from functools import partialmethod

import numpy as np
import pytest
import torch
import torch.distributed as dist

from nmtk.data.batches import Batch, collate
from nmtk.data.packed import Sentences
from nmtk.model.layers import DecoderLayer, EncoderLayer
from nmtk.model.norms import NormOrder
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.training.consistency import Consistency, RDrop
from nmtk.training.distributed import Ranks
from nmtk.training.parallel import lay_out
from nmtk.training.step import TrainingStep, pays_to_compile
from tests.training.kit import vocabularies


def batch(sentences: int, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)

    def side() -> Sentences:
        lengths = rng.integers(3, 15, sentences).astype(np.int32)
        return Sentences(rng.integers(10, 200, lengths.sum()).astype(np.uint16), lengths)

    return collate(side(), side(), vocabularies())


def step(dtype: torch.dtype, norm_order: NormOrder = "post", consistency: Consistency | None = None) -> TrainingStep:
    torch.manual_seed(0)
    options = TransformerOptions(
        width=32, heads=4, inner=64, encoder_layers=2, decoder_layers=2, dropout=0.0, norm_order=norm_order
    )
    size = len(vocabularies().source)
    return TrainingStep(Transformer(options, size, size), 0.1, dtype, None, consistency)


@pytest.mark.parametrize("norm_order", ["post", "pre"])
def test_bfloat16_points_where_float32_does(norm_order: NormOrder) -> None:
    grads = []
    for dtype in (torch.float32, torch.bfloat16):
        one = step(dtype, norm_order)
        loss = one(batch(40))
        loss.smoothed.backward()
        grads.append(torch.cat([p.grad.flatten() for p in one.parameters() if p.grad is not None]))
        assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in one.parameters())
    assert torch.cosine_similarity(*grads, dim=0) > 0.995
    assert (grads[1].norm() / grads[0].norm()).item() == pytest.approx(1, abs=0.02)


def test_the_whole_stream_between_the_layers_is_in_the_faster_type() -> None:
    one = step(torch.bfloat16, "pre")
    seen = []
    for module in one.modules():
        if isinstance(module, EncoderLayer | DecoderLayer):
            module.register_forward_hook(lambda _module, given, out: seen.extend([given[0].dtype, out.dtype]))
    one(batch(4))
    assert len(seen) == 8
    assert set(seen) == {torch.bfloat16}


def test_padding_never_changes_the_loss() -> None:
    one, whole = step(torch.float32), batch(12)
    with torch.no_grad():
        together = one(whole)
        alone = [
            one(
                Batch(
                    whole.source_BS[row : row + 1, : whole.source_lengths_B[row]],
                    whole.source_lengths_B[row : row + 1],
                    whole.target_BT[row : row + 1, : whole.target_lengths_B[row]],
                    whole.gold_BT[row : row + 1, : whole.target_lengths_B[row]],
                    whole.target_lengths_B[row : row + 1],
                    torch.arange(int(whole.target_lengths_B[row])),
                )
            )
            for row in range(12)
        ]
    torch.testing.assert_close(together.nll, torch.stack([loss.nll for loss in alone]).sum(), rtol=1e-5, atol=1e-4)


@pytest.mark.filterwarnings("default")  # PyTorch's tracer warns itself
@pytest.mark.parametrize("consistency", [None, RDrop()], ids=["once", "twice"])
def test_layers_are_compiled_once_for_all_shapes(
    consistency: Consistency | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced as for a real compiler, but run as it is: what is held is that one graph a stack does for every batch."""
    import torch._dynamo

    torch._dynamo.reset()
    graphs: list[torch.fx.GraphModule] = []

    def keep(graph: torch.fx.GraphModule, _inputs: object) -> object:
        graphs.append(graph)
        return graph.forward

    plain, compiled = (step(torch.bfloat16, consistency=consistency) for _ in range(2))
    monkeypatch.setattr(
        torch.nn.Module, "compile", partialmethod(torch.nn.Module.compile, backend=keep, fullgraph=True)
    )
    compiled.compile_layers()
    for sentences in (4, 7, 30):
        losses = [one(batch(sentences, sentences)).smoothed for one in (plain, compiled)]
        for loss in losses:
            loss.backward()
        assert losses[0].detach() == losses[1].detach()
    for one, other in zip(plain.parameters(), compiled.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)  # type: ignore[arg-type]
    assert len(graphs) == 2
    with compiled.eval().uncompiled(), torch.inference_mode():
        assert compiled(batch(5)).smoothed == plain.eval()(batch(5)).smoothed
    assert len(graphs) == 2, "validation compiled the layers once more"
    torch._dynamo.reset()


@pytest.mark.filterwarnings("default")
def test_many_ranks_compile_whole_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._dynamo

    torch._dynamo.reset()
    graphs: list[torch.fx.GraphModule] = []

    def keep(graph: torch.fx.GraphModule, _inputs: object) -> object:
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch.nn.Module, "compile", partialmethod(torch.nn.Module.compile, backend=keep))
    monkeypatch.setattr(dist, "_DEFAULT_FIRST_BUCKET_BYTES", 4096)  # so that small layers fill more than one, too
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        compiled = step(torch.float32)
        compiled.compile_layers()
        wrapped = lay_out(compiled, "none", Ranks(0, 2, torch.device("cpu")))
        for sentences in (4, 7):
            wrapped(batch(sentences)).smoothed.backward()
    finally:
        dist.destroy_process_group()
        torch._dynamo.reset()
    assert len(graphs) == 2, "one for each stack"


def test_compiling_pays_on_gpus_in_long_runs() -> None:
    assert pays_to_compile(torch.device("cuda"), None)
    assert pays_to_compile(torch.device("cuda"), 100_000)
    assert not pays_to_compile(torch.device("cuda"), 1_000)
    assert not pays_to_compile(torch.device("cpu"), None)
