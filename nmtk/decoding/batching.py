"""Sentences of similar length, together: less padding, and a known most of tokens at once."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor

from nmtk.data.batches import flatten, pad

T = TypeVar("T")


def blocks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of `size`, the last one shorter; each is given out before more items are taken."""
    rest = iter(items)
    while block := list(islice(rest, size)):
        yield block


def by_length(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """The places of all sentences, in batches of at most `most` tokens with padding, the longest sentences first.

    A sentence longer than that is a batch of its own.
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > most:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def source_batch(
    sentences: Sequence[Sequence[int]], eos: int, fill: int, device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """Source ids, each sentence with its `</s>`: source_BS, and keep_BS, which is None where nothing is padded."""
    source_BS = pad(flatten(sentences), None, eos, fill)
    lengths = [len(sentence) + 1 for sentence in sentences]
    if min(lengths) == max(lengths):
        return source_BS.to(device), None
    keep_BS = torch.arange(source_BS.shape[1]) < torch.tensor(lengths)[:, None]
    return source_BS.to(device), keep_BS.to(device)
