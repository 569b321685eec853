"""One process or many: what `torchrun` started, and what the ranks say to each other."""

import os
from datetime import timedelta
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from nmtk.devices import pick_device
from nmtk.errors import TrainingError

T = TypeVar("T")

PATIENCE = timedelta(minutes=30)
"""How long ranks wait for each other: as long as the first one may take to validate."""


class Ranks(NamedTuple):
    """One process among those that train together. Alone it is rank 0 of 1, and talks to nobody."""

    rank: int
    world: int
    device: torch.device

    @classmethod
    def join(cls, device: str) -> Self:
        """Join the processes that torchrun started (RANK, WORLD_SIZE, LOCAL_RANK), or stay alone without it."""
        count = int(os.environ.get("WORLD_SIZE", "1"))
        picked = pick_device(device)
        if count == 1:
            return cls(0, 1, picked)
        local = int(os.environ["LOCAL_RANK"])
        if picked.type == "cuda":
            if local >= torch.cuda.device_count():
                raise TrainingError(f"rank {os.environ['RANK']}: wanted GPU {local}, found {torch.cuda.device_count()}")
            picked = torch.device("cuda", local)
            torch.cuda.set_device(picked)
        dist.init_process_group("nccl" if picked.type == "cuda" else "gloo", timeout=PATIENCE)
        return cls(dist.get_rank(), count, picked)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.world > 1:
            dist.destroy_process_group()

    @property
    def first(self) -> bool:
        """Whether this is rank 0, which alone writes files and speaks."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model with its gradients averaged over the ranks."""
        if self.world == 1:
            return model
        return DistributedDataParallel(model)

    def wait(self) -> None:
        """Go on when all ranks have come here."""
        if self.world > 1:
            dist.barrier()

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all ranks, in place."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """Whether any rank says yes."""
        return (self.world > 1 and bool(self.sum(torch.tensor([flag], device=self.device, dtype=torch.int32)))) or flag

    def tell(self, value: T) -> T:
        """What rank 0 says."""
        if self.world == 1:
            return value
        box: list[T | None] = [value if self.first else None]
        dist.broadcast_object_list(box, device=self.device)
        return box[0]  # type: ignore[return-value]
