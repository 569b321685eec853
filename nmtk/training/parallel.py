"""How a step of training is laid out over the ranks: whole on each of them, or in shards."""

from inspect import signature
from typing import Any

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from nmtk.training.distributed import Ranks
from nmtk.training.options import Sharding
from nmtk.training.step import TrainingStep

_SENDING_BUFFERS = ("forward_sync_buffers", "broadcast_buffers")
"""The setting's name from torch 2.13 on, and before."""


def lay_out(step: TrainingStep, sharding: Sharding, ranks: Ranks) -> nn.Module:
    """The step on this rank's device, with its gradients averaged over the ranks while they are computed.

    Sharded, the step's own parameters are replaced: what holds them must be made after this.
    """
    if ranks.world == 1:
        return step.to(ranks.device)
    if sharding == "full":
        from nmtk.training.sharding import shard  # takes two seconds to import

        return shard(step, ranks.device)
    # No buffer ever changes, so none needs to be sent; gradients live in the buckets that are exchanged.
    known = signature(DistributedDataParallel).parameters
    settings: dict[str, Any] = {next(name for name in _SENDING_BUFFERS if name in known): False}
    return DistributedDataParallel(step.to(ranks.device), gradient_as_bucket_view=True, **settings)
