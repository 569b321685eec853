"""One process or many: what `torchrun` started, and what the ranks say and give to each other."""

import os
import secrets
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeGuard, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.nn.parallel import DistributedDataParallel

from nmtk.devices import pick_device
from nmtk.errors import NmtkError, TrainingError
from nmtk.processes import local_rank, own_rank, world_size
from nmtk.training.hub import Hub
from nmtk.training.signals import unheard
from nmtk.training.verdict import Patience, name_of
from nmtk.training.watch import Watch

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store
    from torch.distributed.tensor import DTensor

T = TypeVar("T")

LONGEST = timedelta(minutes=30)
"""How long a collective may take; the watch ends what hangs long before."""


class Ranks(NamedTuple):
    """One process among those that train together. Alone it is rank 0 of 1, and talks to nobody."""

    rank: int
    world: int
    device: torch.device
    watch: Watch | None = None

    @classmethod
    def join(cls, device: str) -> Self:
        """Join the processes that torchrun started (RANK, WORLD_SIZE, LOCAL_RANK), or stay alone without it."""
        count = world_size()
        picked = pick_device(device)
        if count == 1:
            return cls(0, 1, picked).on(picked)
        patience, rank = Patience.of_environment(), own_rank()
        ranks = cls(rank, count, picked).on(_own_gpu() if picked.type == "cuda" else picked)
        try:
            store, *_ = next(rendezvous("env://", timeout=timedelta(seconds=patience.starting)))
            own = _own_place(store, rank, count, patience.starting)
        except dist.DistError as error:
            name, reason = name_of(rank, socket.gethostname(), os.getpid()), str(error).splitlines()[0]
            raise TrainingError(f"{name}: waited {patience.starting:.0f} s for all ranks to start: {reason}") from None
        dist.init_process_group(_backend(picked), timeout=LONGEST, store=own, rank=rank, world_size=count)
        return ranks._replace(watch=ranks._watch(patience))

    def on(self, device: torch.device) -> Self:
        """The same on a device. A GPU becomes the current one: its streams and random numbers are the default."""
        if device.type == "cuda":
            torch.cuda.set_device(device.index or 0)
        return self._replace(device=device)

    def _watch(self, patience: Patience) -> Watch:
        hosts = (os.environ["MASTER_ADDR"], socket.gethostname())
        hub = Hub(self.world, hosts, patience) if self.first else None
        address = self.tell(hub and hub.address)
        assert address
        watch = Watch(self.rank, address, patience)
        watch.meet()
        return watch

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """All ranks leave together, or all end because one has failed, with that one's message."""
        if self.watch is None:
            return
        if error is None:
            self.watch.leave()
            dist.destroy_process_group()
            return
        with unheard():
            if isinstance(error, RuntimeError) and not isinstance(error, torch.OutOfMemoryError):
                self.watch.lose()
            told = self.watch.fail(str(error) or type(error).__name__)
        if isinstance(error, NmtkError):
            raise type(error)(told) from None

    @property
    def first(self) -> bool:
        """Whether this is rank 0, which alone writes files and speaks."""
        return self.rank == 0

    @property
    def first_here(self) -> bool:
        """Whether this is the first rank of its machine."""
        return self.first or local_rank() == 0

    def exchange(self, wrapped: nn.Module, last: bool) -> AbstractContextManager[Any]:
        """Within it, gradients are exchanged, for the last batch of an update; else not, unless they are sharded: then
        no rank has room for whole ones.
        """
        return wrapped.no_sync() if isinstance(wrapped, DistributedDataParallel) and not last else nullcontext()

    def at(self, update: int, stage: str, least: float = 0.0) -> None:
        """Say what this rank begins to do. least: seconds that it may take without progress, whatever was seen."""
        if self.watch:
            self.watch.progress.at(update, stage, least)

    def anew(self) -> None:
        """Begin another training: how long its stages take is not known from the one before."""
        if self.watch:
            self.watch.progress.forget()

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Within it, each call of a module is a sign of progress: for work whose loop knows nothing of ranks."""
        if self.watch is None:
            yield
            return
        progress = self.watch.progress
        hook = register_module_forward_pre_hook(lambda *_: progress.move())
        try:
            yield
        finally:
            hook.remove()

    def wait(self) -> None:
        """Go on when all ranks have come here, for hours if one of them is at work."""
        if self.watch:
            self.watch.meet()

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all ranks, in place."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def gather(self, tensors: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
        """The whole tensors, in main memory, on rank 0; the others lend their shards one by one, and get nothing."""
        gathered = {}
        for name, tensor in tensors:
            entire = whole(tensor)
            if self.first:
                gathered[name] = entire.contiguous().cpu()
        return gathered

    def spread(self, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        """Yield rank 0's tensors on every rank, one by one, each on the rank's device."""
        for name, shape, dtype in self.tell([(name, value.shape, value.dtype) for name, value in tensors.items()]):
            tensor = (
                tensors[name].to(self.device) if self.first else torch.empty(shape, dtype=dtype, device=self.device)
            )
            if self.world > 1:
                dist.broadcast(tensor, 0)
            yield name, tensor

    def any(self, flag: bool) -> bool:
        """Whether any rank says yes."""
        return (self.world > 1 and bool(self.sum(torch.tensor([flag], dtype=torch.int32)))) or flag

    def said(self, value: T | None) -> T | None:
        """What the first rank says that says anything; None where none does."""
        if self.world == 1:
            return value
        heard: list[T | None] = [None] * self.world
        dist.all_gather_object(heard, value)
        return next((one for one in heard if one is not None), None)

    def tell(self, value: T) -> T:
        """What rank 0 says."""
        if self.world == 1:
            return value
        box: list[T | None] = [value if self.first else None]
        dist.broadcast_object_list(box, device=torch.device("cpu"))
        return box[0]  # type: ignore[return-value]


def _own_gpu() -> torch.device:
    local, here = local_rank(), torch.cuda.device_count()
    if local >= here:
        raise TrainingError(f"rank {own_rank()}: wanted GPU {local}, found {here}")
    return torch.device("cuda", local)


def _backend(device: torch.device) -> str:
    """What carries tensors from rank to rank: what ranks tell each other is in main memory, wherever the model is."""
    return "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"


def _own_place(store: "Store", rank: int, world: int, seconds: float) -> "Store":
    """A place in the store for this start of the ranks, once all of them are there.

    When torchrun starts them again, the store still holds what those before have written: their addresses, too. So
    rank 0 names the place, and the others know its answer from an old one by the word that they asked it with.
    Raises TrainingError on rank 0 for ranks that do not come within so many seconds.
    """
    word = secrets.token_hex()
    if rank:
        store.set(f"asks/{rank}", word)
        place = store.get(f"answer/{word}").decode()
        store.set(f"{place}/{rank}", "knows")
        store.get(f"{place}/all")
        return dist.PrefixStore(place, store)  # type: ignore[attr-defined]
    until = time.monotonic() + seconds
    while absent := [other for other in range(1, world) if not store.check([f"{word}/{other}"])]:
        if time.monotonic() > until:
            raise TrainingError(
                f"rank {', '.join(map(str, absent))} of {world}: not heard of in the first {seconds:.0f} s"
            )
        for other in absent:
            if store.check([f"asks/{other}"]):
                store.set(f"answer/{store.get(f'asks/{other}').decode()}", word)
        time.sleep(0.02)
    store.set(f"{word}/all", "are there")
    return dist.PrefixStore(word, store)  # type: ignore[attr-defined]


def _sharded(tensor: Tensor) -> "TypeGuard[DTensor]":
    return hasattr(tensor, "full_tensor")  # to import the class takes two seconds


def part(tensor: Tensor) -> Tensor:
    """What this rank holds of a tensor, sharing its memory: all of it, or its shard."""
    return tensor.to_local() if _sharded(tensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor; where it is sharded, all ranks ask for it together."""
    tensor = tensor.detach()
    return tensor.full_tensor() if _sharded(tensor) else tensor


def like(entire: Tensor, other: Tensor) -> Tensor:
    """A whole tensor that every rank has, sharded as another one is."""
    if not _sharded(other):
        return entire
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(entire, other.device_mesh, other.placements, src_data_rank=None)
