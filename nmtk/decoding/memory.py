"""Memory of decoding: what is said when there is none left."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from nmtk.devices import is_out_of_memory
from nmtk.errors import NmtkError


@contextmanager
def naming_the_batch(source_BS: Tensor, remedies: str) -> Iterator[None]:
    """Let an error of used-up memory name the batch that was too large, and the remedies.

    Raises NmtkError in its place; every other error passes.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        sentences, length = source_BS.shape
        batch = f"{sentences} {'sentence' if sentences == 1 else 'sentences'} of up to {length:,} source tokens"
        raise NmtkError(f"out of memory on {source_BS.device}, in a batch of {batch}: wanted {remedies}") from None
