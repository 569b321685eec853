"""Packing: parallel text becomes a packed corpus, in one pass, a few thousand pairs in memory at a time.

The text is cut into chunks of raw lines; workers decode, encode and judge them; this process writes what they give
back, and alone looks for duplicates.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nmtk.data.corpus import HEADER, Header, corpus_digest
from nmtk.data.duplicates import Seen
from nmtk.data.encoding import Encoded, EncodedSide, Encoder, encode
from nmtk.data.filters import FilterOptions, Reason
from nmtk.data.held_out import HeldOut
from nmtk.data.packed import SideWriter
from nmtk.data.pairs import Chunk
from nmtk.data.report import Dropped, PackReport
from nmtk.documents import to_yaml
from nmtk.errors import DataError
from nmtk.files import atomic_folder
from nmtk.vocabulary.vocabulary import Vocabularies


def pack(
    chunks: Iterable[Chunk],
    vocabularies: Vocabularies,
    filters: FilterOptions,
    folder: Path,
    held_out: HeldOut | None = None,
    workers: int = 1,
    tell: Callable[[int, int], Any] = lambda _read, _kept: None,
) -> PackReport:
    """Encode, filter and write pairs to `folder`, which appears whole or not at all; an older one is replaced.

    held_out: the sentences whose pairs are dropped too. workers: processes that encode; the folder's bytes are the
    same whatever their number. tell(read, kept): called with the pairs so far, every few thousand.
    Raises DataError as `chunks` do, for the first fault in their order, and when no pair is left.
    """
    dropped = {reason: Dropped() for reason in Reason}
    seen = Seen() if filters.drop_duplicates else None
    with atomic_folder(folder) as beside:
        with (
            SideWriter(beside, "source", len(vocabularies.source)) as source,
            SideWriter(beside, "target", len(vocabularies.target)) as target,
            closing(encode(chunks, Encoder(vocabularies, filters, held_out), workers)) as encoded,
        ):
            read = 0
            for chunk in encoded:
                for reason, line in chunk.faults:
                    dropped[reason].add(line)
                keep = _keep(chunk, seen, dropped[Reason.DUPLICATE])
                _write(source, chunk.source, keep, vocabularies.source.unk)
                _write(target, chunk.target, keep, vocabularies.target.unk)
                read += chunk.read
                tell(read, source.count)
        report = PackReport(source.count, dropped, source.header(), target.header())
        if not report.kept:
            faults = ": dropped " + ", ".join(report.faults()) if report.read else ""
            raise DataError(f"{folder}: no pair left to pack, of {report.read:,} that were read{faults}")
        header = Header(
            pairs=report.kept,
            dropped={reason: found.count for reason, found in dropped.items()},
            filters=filters,
            vocabulary=vocabularies.digest,
            digest=corpus_digest(vocabularies.digest, report.source.digest, report.target.digest),
            source=report.source,
            target=report.target,
        )
        (beside / HEADER).write_text(to_yaml(header.document()), "utf-8")
    return report


def _keep(chunk: Encoded, seen: Seen | None, duplicates: Dropped) -> npt.NDArray[np.bool_]:
    """Which of a chunk's faultless pairs are kept: all, or those that were not met before."""
    if seen is None:
        return np.ones(len(chunk.lines), dtype=np.bool_)
    keep = seen.add(chunk.keys)
    for index in np.flatnonzero(~keep):
        duplicates.add(chunk.lines[index])
    return keep


def _write(writer: SideWriter, side: EncodedSide, keep: npt.NDArray[np.bool_], unk: int) -> None:
    sentences = side.sentences.keep(keep)
    writer.write(sentences, int(side.words[keep].sum()), int(np.count_nonzero(sentences.ids == unk)))
