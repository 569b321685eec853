"""Why two engines that have the same weights do not find the same translation: one line of text for each."""

from collections.abc import Sequence

import torch

from nmtk.bundle import Bundle

TIE = 1e-4
"""Sums of log-probabilities that are nearer than this differ by rounding: what each engine adds up in its own order."""


@torch.inference_mode()
def log_probabilities(bundle: Bundle, source: Sequence[int], target: Sequence[int]) -> list[float]:
    """Of each token of a translation and, last, of `</s>`, by the model in float32."""
    sides = bundle.vocabularies
    memory_1SD = bundle.model.encode(torch.tensor([[*source, sides.source.eos]]), None)
    hidden_1TD = bundle.model.decode(torch.tensor([[sides.target.bos, *target]]), memory_1SD, None)
    logp_TV = bundle.model.project(hidden_1TD)[0].log_softmax(-1)
    gold_T = torch.tensor([*target, sides.target.eos])
    return logp_TV.gather(1, gold_T[:, None]).flatten().tolist()


def explain(bundle: Bundle, source: Sequence[int], ours: Sequence[int], theirs: Sequence[int]) -> str:
    """Where the translations part, what the model gives each, and what follows from that."""
    parted = next(
        (i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
    )
    means, steps = [], []
    for found in (ours, theirs):
        logps = log_probabilities(bundle, source, found)
        means.append(sum(logps) / len(logps))
        steps.append(logps[parted])
    gap = means[0] - means[1]
    if abs(steps[0] - steps[1]) < TIE or abs(gap) < TIE:
        verdict = "a tie"
    else:
        verdict = "nmtk's is more probable" if gap > 0 else "nmtk's is less probable"
    return (
        f"parts at token {parted + 1} (log-probabilities {steps[0]:.5f} and {steps[1]:.5f}); mean of a token "
        f"{means[0]:.5f} and {means[1]:.5f}: {verdict}"
    )
