"""Generated pairs: random ids of realistic or of given lengths, for measuring what needs no meaning."""

import numpy as np
import torch

from nmtk.data.batches import Batch
from nmtk.data.packed import Lengths
from nmtk.data.plan import plan_batches

_MEDIAN, _SPREAD, _RATIO_SPREAD, _LONGEST = 22.0, 0.6, 0.2, 200
FIRST = 4
"""The ids below it are special ones: padding, unknown, `<s>` and `</s>`, 0 to 3."""


def realistic_lengths(pairs: int) -> tuple[Lengths, Lengths]:
    """Tokens of the source and of the target sentence of so many pairs, `</s>` included.

    Source lengths are log-normal, as those of sentences are (Williams 1940): median 22, mean 26, one in a hundred over
    88. That is WMT's news text (newstest2013, English: 17 words in the median, a spread of 0.64; its German sides
    differ from them by 0.19), at 1.25 pieces a word.
    """
    rng = np.random.default_rng(1)
    source = np.exp(rng.normal(np.log(_MEDIAN), _SPREAD, pairs))
    target = source * np.exp(rng.normal(0.0, _RATIO_SPREAD, pairs))
    one, other = (np.clip(side.round(), 2, _LONGEST).astype(np.int32) for side in (source, target))
    return one, other


def generated_batch(
    source_lengths: Lengths, target_lengths: Lengths, source_size: int, target_size: int, seed: int = 1
) -> Batch:
    """Pairs of these lengths, `</s>` included, their ids drawn evenly from vocabularies of these sizes."""
    draw = torch.Generator().manual_seed(seed)
    source_lengths_B = torch.from_numpy(source_lengths.astype(np.int64))
    target_lengths_B = torch.from_numpy(target_lengths.astype(np.int64))

    def ids(size: int, lengths_B: torch.Tensor) -> torch.Tensor:
        ids_BS = torch.randint(min(FIRST, size - 1), size, (len(lengths_B), int(lengths_B.max())), generator=draw)
        return ids_BS.masked_fill(torch.arange(ids_BS.shape[1]) >= lengths_B[:, None], 0)

    gold_BT = ids(target_size, target_lengths_B)
    return Batch(
        source_BS=ids(source_size, source_lengths_B),
        source_lengths_B=source_lengths_B,
        target_BT=gold_BT.roll(1, 1),
        gold_BT=gold_BT,
        target_lengths_B=target_lengths_B,
        real_N=(torch.arange(gold_BT.shape[1]) < target_lengths_B[:, None]).flatten().nonzero().squeeze(1),
    )


def even_batch(sentences: int, length: int, source_size: int, target_size: int) -> Batch:
    """A batch without padding: so many sentences, each of this length on both sides."""
    lengths = np.full(sentences, length, dtype=np.int32)
    return generated_batch(lengths, lengths, source_size, target_size)


def generated_batches(pairs: int, batch_tokens: int, source_size: int, target_size: int) -> list[Batch]:
    """Pairs of realistic lengths in batches of at most so many tokens, as an epoch of training has them."""
    source, target = realistic_lengths(pairs)
    plan = plan_batches(source, target, batch_tokens, np.random.default_rng(1))
    rows = (plan.batch(number) for number in range(len(plan)))
    return [
        generated_batch(source[row], target[row], source_size, target_size, number) for number, row in enumerate(rows)
    ]
