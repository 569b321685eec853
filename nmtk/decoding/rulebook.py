"""The rulebook: which rules hold for a batch."""

from collections.abc import Sequence

import torch

from nmtk.decoding.forbidden import Forbidden, Spelling
from nmtk.decoding.guard import LoopGuard, VarietyGuard, copies_allowed, variety_allowed
from nmtk.decoding.lengths import Shortest
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.prefix import Prefix
from nmtk.decoding.repetition import NoRepeat, RepetitionPenalty
from nmtk.decoding.rules import Rule
from nmtk.decoding.sentences import Sentence


def make_rules(
    options: DecodingOptions,
    batch: Sequence[Sentence],
    limits: Sequence[int],
    eos: int,
    spelling: Spelling,
    device: torch.device,
) -> list[Rule]:
    """The rules that the options and the sentences ask for; none that would do nothing."""
    rules: list[Rule] = []
    if options.repetition_penalty != 1:
        rules.append(RepetitionPenalty(options.repetition_penalty))
    if options.no_repeat_ngram:
        rules.append(NoRepeat(options.no_repeat_ngram))
    if options.loop_guard:
        rules += [LoopGuard(copies_allowed(batch), device), VarietyGuard(variety_allowed(batch), device)]
    least = [min(options.least(len(one.pieces)), limit - 1) for one, limit in zip(batch, limits, strict=True)]
    if any(least):
        rules.append(Shortest(least, eos, device))
    if any(one.forbidden for one in batch):
        rules.append(Forbidden([one.forbidden for one in batch], spelling, device))
    if any(one.prefix or one.begun for one in batch):
        return [Prefix(batch, rules, spelling, device)]
    return rules
