"""Word dropout: some tokens of the input are not seen, though they are still translated and predicted."""

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from nmtk.options import Options

Rate = Annotated[float, Field(ge=0, lt=1)]


class WordDropout(Options):
    """The share of tokens whose embeddings are nought (Gal & Ghahramani 2016; in translation Sennrich et al. 2016).

    Each token is dropped by itself, `<s>` and `</s>` too; its position stays. The others are not scaled up, for they
    are what translation sees. On the target side, it is the input of the decoder; what is to be predicted is whole.
    """

    source: Rate = 0.1
    target: Rate = 0.1


def draw_known(ids_BT: Tensor, rates: Sequence[float]) -> Tensor | None:
    """Which tokens are seen, known_BT; None when all are. The rows are shared out evenly among so many rates."""
    if not any(rates):
        return None
    rows, longest = len(ids_BT) // len(rates), ids_BT.size(1)
    return torch.cat([torch.rand(rows, longest, device=ids_BT.device) >= rate for rate in rates])
