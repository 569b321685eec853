"""Figures of a benchmark, as text to read and as JSON to work with."""

import json
from collections.abc import Sequence

from nmtk.recipe.benchmark import Measured

_HEAD = ("", "target tokens/s", "sentences/s", "GFLOP/s", "utilisation", "peak memory")


def as_text(measured: Sequence[Measured]) -> str:
    """A table for each model, under a line that says what it is."""
    return "\n\n".join(_table(one) for one in measured)


def _table(one: Measured) -> str:
    rows = [_HEAD] + [
        (
            name,
            f"{found.tokens_per_second:,.0f}",
            f"{found.sentences_per_second:,.1f}",
            f"{found.flops_per_second / 1e9:,.1f}",
            f"{found.utilisation:.1%}",
            "not known" if found.memory is None else f"{found.memory / 2**20:,.0f} MiB",
        )
        for name, found in one.figures.items()
    ]
    wide = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [
        "  ".join(cell.ljust(size) if column == 0 else cell.rjust(size) for column, (cell, size) in enumerate(cells))
        for cells in ([*zip(row, wide, strict=True)] for row in rows)
    ]
    ceilings = " and ".join(f"{ceiling / 1e9:,.1f} GFLOP/s in {kind}" for kind, ceiling in one.ceilings.items())
    cut = f" in {one.accumulate} batches" if one.accumulate > 1 else ""
    titles = [
        f"{one.name}: {one.parameters:,} parameters, {'trained' if one.trained else 'not trained'}",
        f"on {one.device}, {one.threads} threads; {one.precision} in training, {one.decoding_precision} in decoding",
        f"updates of {one.update_tokens:,} tokens{cut}; plain matrix products reach {ceilings}",
    ]
    return "\n".join([*titles, *(line.rstrip() for line in lines)])


def as_json(measured: Sequence[Measured]) -> str:
    """A list with an object for each model: the fields of `Measured`; speeds are per second, memory is in bytes."""
    return json.dumps([one.document() for one in measured], indent=1)
