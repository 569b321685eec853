"""The results as a table: medians over the turns, and how many times as fast nmtk is.

python -m tests.benchmarks.training.report results.json
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

Results = dict[str, Any]
"""`machine`, `task`, `versions` and `runs`: one entry a run, of `row`, `turn` and figures, or `failed`."""

BASE = "nmtk auto"
"""The row that the others are compared with."""


def table(results: Results) -> str:
    """The results in Markdown."""
    runs = results["runs"]
    names = list(dict.fromkeys(run["row"] for run in runs))
    good = {name: [run for run in runs if run["row"] == name and "failed" not in run] for name in names}
    base = _median(good[BASE], "tokens_per_second") if good.get(BASE) else None
    lines = [
        "| engine | target tokens/s | min to max | nmtk is faster | tokens an update | peak memory | page faults/s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in names:
        if not good[name]:
            lines.append(f"| {name} | failed | | | | | |")
            continue
        speeds = [run["tokens_per_second"] for run in good[name]]
        speed = median(speeds)
        cells = [
            name,
            f"{speed:,.0f}",
            f"{min(speeds):,.0f} to {max(speeds):,.0f}",
            f"{base / speed:.2f} x" if base else "",
            f"{_median(good[name], 'tokens_per_update'):,.0f}",
            f"{_median(good[name], 'peak_mib') / 1024:.2f} GiB",
            f"{_median(good[name], 'faults_per_second'):,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*_about(results), "", *lines, *_failures(runs)]) + "\n"


def _median(runs: Sequence[Results], key: str) -> float:
    return float(median(run[key] for run in runs))


def _about(results: Results) -> list[str]:
    machine = results["machine"]
    kept = [f"{machine['cpu']} ({machine['flags']}), {machine['cores']} cores, {machine['memory']}"]
    kept.append(f"{machine['system']}, Python {machine['python']}, nmtk {machine['nmtk']}")
    kept += [
        f"{engine}: {', '.join(f'{name} {version}' for name, version in found.items())}"
        for engine, found in results["versions"].items()
    ]
    kept.append(results["task"])
    return [f"- {line}" for line in kept]


def _failures(runs: Sequence[Results]) -> list[str]:
    return ["", *(f"{run['row']}, turn {run['turn']}: {run['failed']}" for run in runs if "failed" in run)][:20]


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text("utf-8"))), end="")
