"""Sharding: each rank keeps its part of parameters, gradients and optimiser state (Rajbhandari et al. 2020, ZeRO 3).

FSDP2 gathers the parameters of a layer right before it runs, in the forward and the backward pass, and hands each rank
its part of the gradients behind it. Embeddings, final norms and the output matrix are of the root's own group, which
stays gathered for the whole pass: so a tied matrix is read in three places, but gathered once.
"""

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from nmtk.bundle import Bundle
from nmtk.model.transformer import Transformer
from nmtk.training.distributed import Ranks
from nmtk.training.memory import place_for
from nmtk.training.step import TrainingStep


def shard(step: TrainingStep, device: torch.device) -> TrainingStep:
    """Shard a step in place over all ranks. It moves to the device layer by layer, so it need not fit there whole."""
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    for layer in (*step.model.encoder.layers, *step.model.decoder.layers):
        fully_shard(layer, mesh=mesh)
    fully_shard(step, mesh=mesh)
    return step


def unsharded(bundle: Bundle, step: TrainingStep, ranks: Ranks) -> tuple[Bundle, TrainingStep]:
    """A whole copy of a sharded model on rank 0, on its device where that has room, or else on the CPU.

    The others lend it their shards, and get back what they gave.
    """
    weights = ranks.gather(bundle.model.named_parameters())
    if not ranks.first:
        return bundle, step
    source, target = bundle.vocabularies
    model = Transformer(bundle.model.options, len(source), len(target))
    model.load_state_dict(weights)
    model.to(place_for(model, ranks.device))
    return bundle._replace(model=model), TrainingStep(model, step.smoothing, step.dtype)
