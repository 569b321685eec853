"""The results as Markdown: what RESULTS.md takes in, and the table that a call ends with.

python -m tests.benchmarks.gpu.report one/gpu.json other/gpu.json    puts the parts of several calls together
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.gpu.turns import Figures

TARGETS = {"base": 600_000, "big": 250_000}
"""Target tokens a second that are wanted of one H200."""
SPEED = (
    "tokens_per_second",
    "lowest",
    "highest",
    "times",
    "default_tokens_per_second",
    "update_ms",
    "tokens_per_update",
    "padding",
    "tflops",
    "mfu",
    "peak_gib",
    "first_seconds",
    "compiled_while_measured",
)


def markdown(document: Figures, only: Sequence[str] = ()) -> str:
    """All parts of a result, or some."""
    machine = ", ".join(f"{key} {value}" for key, value in document["machine"].items())
    lines = [f"Machine: {machine}", "", f"Command: `python -m tests.benchmarks.gpu.run {document['command']}`", ""]
    for part, figures in document["parts"].items():
        if only and part not in only:
            continue
        lines += [f"### {part}", "", *_part(part, figures), ""]
    return "\n".join(lines)


def _part(part: str, figures: Figures) -> list[str]:
    if "failed" in figures:
        return [f"broke: {figures['failed']}"]
    if part == "check":
        failed = {name: row for name, row in figures.items() if not row["passed"]}
        rows = [f"- FAILED {name}: {row}" for name, row in failed.items()]
        worst = _table({name: row for name, row in figures.items() if row["passed"]}, ("value", "limit"))
        return [f"{len(figures) - len(failed)} of {len(figures)} passed", "", *rows, "", *worst]
    if part == "ceiling":
        return [f"- {name}: {value}" for name, value in figures.items()]
    if part == "peers":
        return [line for size, rows in figures.items() for line in (f"{size}:", "", *_table(rows, SPEED), "")]
    if part == "curve":
        told = [f"- {key}: {value}" for key, value in figures.items() if key not in ("curve", "examples")]
        curve = {str(record["update"]): record for record in figures["curve"]}
        return [*told, "", *_table(curve, ("loss", "nll", "ppl", "bleu"))]
    rows = _table(figures, (*SPEED, "ms", "nll", "updates"))
    return [*rows, "", *_targets(figures)] if part == "throughput" else rows


def _targets(figures: Figures) -> list[str]:
    lines = []
    for size, wanted in TARGETS.items():
        speeds = {
            n: row["tokens_per_second"] for n, row in figures.items() if n.startswith(size + ",") and len(row) > 1
        }
        if speeds:
            best = max(speeds, key=lambda name: speeds[name])
            verdict = "reached" if speeds[best] >= wanted else "not reached"
            lines.append(f"- {size}: {speeds[best]:,} target tokens/s ({best}); {wanted:,} on one H200: {verdict}")
    return lines


def _table(rows: Figures, columns: Sequence[str]) -> list[str]:
    used = [column for column in columns if any(column in row for row in rows.values())]
    lines = [f"| | {' | '.join(used)} |", f"| --- |{' --- |' * len(used)}"]
    for name, row in rows.items():
        cells = [row["failed"]] if "failed" in row else [_show(row.get(column)) for column in used]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _show(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Print the parts of several files as one."""
    documents = [json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:]]
    parts = {part: figures for document in documents for part, figures in document["parts"].items()}
    print(markdown(documents[-1] | {"parts": parts}))


if __name__ == "__main__":
    main()
