"""Memory of decoding: what is said when there is none left."""

from contextlib import AbstractContextManager

from torch import Tensor

from nmtk.devices import naming_memory


def naming_the_batch(source_BS: Tensor, remedies: str) -> AbstractContextManager[None]:
    """Let an error of used-up memory name the batch that was too large, and the remedies: raises NmtkError."""
    sentences, length = source_BS.shape
    batch = f"{sentences} {'sentence' if sentences == 1 else 'sentences'} of up to {length:,} source tokens"
    return naming_memory(source_BS.device, f"a batch of {batch}", remedies)
