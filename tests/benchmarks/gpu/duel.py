"""Two or more contestants in turns, with what each cost to start."""

import time
from collections.abc import Callable, Mapping

from nmtk.training.flops import Lengths
from tests.benchmarks.gpu.ceiling import best
from tests.benchmarks.gpu.results import Budget, recorded, say
from tests.benchmarks.gpu.scale import Scale
from tests.benchmarks.gpu.turns import Contestant, Figures, Turn, compiled, figures, fresh, relax


def duel(
    contestants: Mapping[str, Callable[[], Contestant]],
    scale: Scale,
    budget: Budget,
    operations: Callable[[Lengths], float],
    reference: str | None = None,
    kept: Mapping[str, Contestant] | None = None,
) -> Figures:
    """Make all, warm all, let them take turns. With a reference, each is told how many times as fast it is.

    kept: contestants that are there already, and stay.
    """
    kept = kept or {}
    found: Figures = {name: {} for name in kept}
    made: dict[str, Contestant] = dict(kept)
    turns: dict[str, list[Turn]] = {}
    with fresh(scale.device):
        for name, make in contestants.items():
            if not budget.allows(45 if scale.device.type == "cuda" else 0, name):
                continue
            relax(scale.device)
            before, begun = compiled(), time.perf_counter()
            with recorded(found, name):
                contestant = make()
                contestant.turn(scale.turn)
                now = compiled()
                graphs = {f"compile_{key}": now[key] - before[key] for key in now}
                found[name] = {"first_seconds": round(time.perf_counter() - begun - scale.turn, 1), **graphs}
                made[name] = contestant
        for _ in range(scale.rounds):
            for name in list(made):
                relax(scale.device)
                before = compiled()
                with recorded(found, name):
                    turns.setdefault(name, []).append(made[name].turn(scale.turn))
                    again = compiled()["graphs"] - before["graphs"]
                    found[name]["compiled_while_measured"] = found[name].get("compiled_while_measured", 0) + again
                if "failed" in found[name]:
                    del made[name], turns[name]
        for name in turns:
            found[name] |= figures(turns[name], operations, best(scale.device))
        for name in made.keys() - kept.keys():
            made[name].close()
        made.clear()
    if reference in turns:
        speed = found[reference]["tokens_per_second"]
        for name in turns:
            found[name]["times"] = round(found[name]["tokens_per_second"] / speed, 3)
    for name, row in found.items():
        say(f"  {name}: {row.get('tokens_per_second', row.get('failed'))} tokens/s, times {row.get('times')}")
    return found
