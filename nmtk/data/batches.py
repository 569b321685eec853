"""Batches: pairs of sentences as padded tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from nmtk.data.packed import Sentences
from nmtk.vocabulary.vocabulary import Vocabularies


@dataclass(frozen=True)
class Batch:
    """Pairs of sentences, right-padded. Lengths count real tokens; nothing is ever told from a padding id.

    source_BS: x1..xn `</s>`; target_BT: `<s>` y1..yn; gold_BT: y1..yn `</s>`, what each target position should say.
    real_N: positions of the N real tokens in the flattened gold_BT.
    """

    source_BS: Tensor
    source_lengths_B: Tensor
    target_BT: Tensor
    gold_BT: Tensor
    target_lengths_B: Tensor
    real_N: Tensor

    @property
    def keep_BS(self) -> Tensor:
        """True at the real source tokens."""
        return torch.arange(self.source_BS.shape[1], device=self.source_BS.device) < self.source_lengths_B[:, None]

    @property
    def tokens(self) -> int:
        """Real target tokens, `</s>` included."""
        return len(self.real_N)

    @property
    def padding(self) -> int:
        """Padded positions of both sides that hold no real token."""
        return self.source_BS.numel() + self.gold_BT.numel() - self.tokens - int(self.source_lengths_B.sum())

    def to(self, device: torch.device) -> Self:
        """The batch on another device; from pinned memory the copy overlaps with what the device does."""
        if device.type == "cpu":
            return self
        moved = {name: value.to(device, non_blocking=True) for name, value in vars(self).items()}
        return replace(self, **moved)

    def twice(self) -> Self:
        """All pairs, and then all of them again: one pass over it is two, each with its own dropout."""
        doubled = {name: torch.cat([value, value]) for name, value in vars(self).items()}
        return replace(self, **doubled | {"real_N": torch.cat([self.real_N, self.real_N + self.gold_BT.numel()])})

    def pin(self) -> Self:
        """The batch in page-locked memory, from which a GPU copies by itself."""
        return replace(self, **{name: value.pin_memory() for name, value in vars(self).items()})


def flatten(sentences: Sequence[Sequence[int]]) -> Sentences:
    """Lists of ids, end to end."""
    lengths = np.fromiter(map(len, sentences), np.int32, len(sentences))
    ids = np.fromiter((i for sentence in sentences for i in sentence), np.uint32, int(lengths.sum()))
    return Sentences(ids, lengths)


def pad(sentences: Sentences, first: int | None, last: int | None, fill: int) -> Tensor:
    """Sentences as one right-padded [B, longest] tensor, with `first` before and `last` after each where given."""
    flat, lengths = sentences
    before = int(first is not None)
    width = int(lengths.max(initial=0)) + before + int(last is not None)
    padded = np.full((len(lengths), width), fill, dtype=np.int64)
    place = np.arange(width)
    padded[(place >= before) & (place < lengths[:, None] + before)] = flat
    if first is not None:
        padded[:, 0] = first
    if last is not None:
        padded[np.arange(len(lengths)), lengths + before] = last
    return torch.from_numpy(padded)


def collate(source: Sentences, target: Sentences, vocabularies: Vocabularies) -> Batch:
    """A batch from the sentences of both sides, without special ids."""
    one, other = vocabularies
    gold_BT = pad(target, None, other.eos, other.pad)
    target_lengths_B = torch.from_numpy(target.lengths.astype(np.int64)) + 1
    return Batch(
        source_BS=pad(source, None, one.eos, one.pad),
        source_lengths_B=torch.from_numpy(source.lengths.astype(np.int64)) + 1,
        target_BT=pad(target, other.bos, None, other.pad),
        gold_BT=gold_BT,
        target_lengths_B=target_lengths_B,
        real_N=(torch.arange(gold_BT.shape[1]) < target_lengths_B[:, None]).flatten().nonzero().squeeze(1),
    )
