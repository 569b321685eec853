"""The figures of training between two lines of the log, summed where the model is and read only when they are due."""

from typing import Self

import torch
from torch import Tensor

from nmtk.data.cursor import Share
from nmtk.devices import sum_type
from nmtk.training.distributed import Ranks

_LOSSES = ("smoothed", "nll")
_COUNTS = ("tokens", "padding", "positions")


class Checked:
    """Whether an update's loss sums and gradient norm are numbers: asked of the device at once, read when it is due."""

    def __init__(self, update: int, share: Share, sums: Tensor, norm: Tensor) -> None:
        self.update, self.share, self.norm = update, share, norm
        good = torch.isfinite(norm) & torch.isfinite(sums).all()
        # Reading a GPU's value waits for all that it was given until then, so the answer is sent by itself: the event
        # waits for no more than that. It is of the values' own GPU, which need not be the current one.
        self._sent = torch.cuda.Event() if good.is_cuda else None  # type: ignore[no-untyped-call]
        self._good = good.to("cpu", non_blocking=good.is_cuda)
        if self._sent:
            self._sent.record(torch.cuda.current_stream(good.device))

    def good(self) -> bool:
        """The answer, waited for if it is not yet here."""
        if self._sent:
            self._sent.synchronize()
        return bool(self._good)


class Window:
    """Sums since the last line of the log, of this rank."""

    def __init__(self, device: torch.device, since: float = 0.0) -> None:
        self._losses = torch.zeros(len(_LOSSES), dtype=sum_type(device), device=device)
        self._counts = dict.fromkeys(_COUNTS, 0.0)  # known on this side: a GPU need not be asked, nor told
        self._norm = torch.zeros((), device=device)
        self._rate = 0.0
        self.since = since

    @classmethod
    def of(cls, sums: dict[str, float], ranks: Ranks, since: float) -> Self:
        """What a checkpoint kept: rank 0 takes the sums of all."""
        window = cls(ranks.device, sums.get("since", since))
        if ranks.first and sums:
            window._losses += window._losses.new_tensor([sums[name] for name in _LOSSES])
            window._counts = {name: sums[name] for name in _COUNTS}
        return window

    def add(self, share: Share, loss: Tensor, norm: Tensor, rate: float) -> None:
        """Take in one update."""
        self._losses += loss
        for batch in share.batches:
            self._counts["tokens"] += batch.tokens
            self._counts["padding"] += batch.padding
            self._counts["positions"] += batch.source_BS.numel() + batch.gold_BT.numel()
        self._norm, self._rate = norm.detach(), rate

    def sums(self, ranks: Ranks) -> dict[str, float]:
        """The sums over all ranks."""
        own = torch.cat([self._losses, self._losses.new_tensor(list(self._counts.values()))])
        values: list[float] = ranks.sum(own).tolist()
        return dict(zip(_LOSSES + _COUNTS, values, strict=True), since=self.since)

    def figures(self, ranks: Ranks, seconds: float) -> dict[str, float]:
        """Loss and nll in nats per target token, perplexity, last norm and rate, share of padding, tokens a second."""
        sums = self.sums(ranks)
        tokens = sums["tokens"]
        nll = sums["nll"] / tokens
        return {
            "loss": sums["smoothed"] / tokens,
            "nll": nll,
            "ppl": float(torch.tensor(nll, dtype=torch.float64).exp()),
            "norm": float(self._norm),
            "rate": self._rate,
            "padding": round(sums["padding"] / sums["positions"], 4),
            "tokens_per_second": round(tokens / max(seconds - self.since, 1e-9), 1),
        }
