"""Validation: the loss on held-out pairs, and the scores of real translations against the raw reference."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nmtk.bundle import Bundle
from nmtk.data.batches import Batch, collate, flatten
from nmtk.data.plan import plan_batches
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.translator import Translator
from nmtk.devices import sum_type
from nmtk.errors import DataError
from nmtk.evaluation.metrics import evaluate, in_language, metric_named
from nmtk.training.options import Validation
from nmtk.training.step import TrainingStep
from nmtk.vocabulary.vocabulary import Vocabularies


@dataclass(frozen=True)
class HeldOut:
    """Held-out pairs: the raw lines, and their batches for the loss."""

    sources: Sequence[str]
    references: Sequence[str]
    batches: Sequence[Batch]

    @classmethod
    def of(
        cls,
        sources: Sequence[str],
        references: Sequence[str],
        vocabularies: Vocabularies,
        batch_tokens: int,
        longest: int | None = None,
    ) -> "HeldOut":
        """Encode all pairs, filtering none.

        longest: the most tokens of a sentence that the model can take, if there is such a limit. Raises DataError
        for a pair that has more, and when there is no pair: at once, rather than when it is validated.
        """
        if not sources:
            raise DataError("data.valid: no pair in it, wanted some to validate on")
        one = [np.asarray(ids) for ids in vocabularies.source.encode(sources)]
        other = [np.asarray(ids) for ids in vocabularies.target.encode(references)]
        sources_long, targets_long = (
            np.fromiter(map(len, side), np.int32, len(side)) + np.int32(1) for side in (one, other)
        )
        most = np.maximum(sources_long, targets_long)
        if longest is not None and most.max() > longest:
            raise DataError(
                f"data.valid: pair {most.argmax() + 1} has {most.max()} tokens on one side, but the model learns "
                f"positions for {longest}: wanted a larger model.positions.maximum, or shorter pairs"
            )
        plan = plan_batches(sources_long, targets_long, batch_tokens, np.random.default_rng(0))
        batches = [
            collate(flatten([one[row] for row in rows]), flatten([other[row] for row in rows]), vocabularies)
            for rows in (plan.batch(number) for number in range(len(plan)))
        ]
        return cls(sources, references, batches)


class Validator:
    """Measures a model on held-out pairs."""

    def __init__(self, held_out: HeldOut, options: Validation, decoding: DecodingOptions, language: str) -> None:
        """language: that of the references, for metrics that mind it."""
        self.held_out, self.options = held_out, options
        names = [metric for metric in options.metrics if metric != "loss"]
        self.metrics = {name: in_language(metric_named(name), language) for name in names}
        self.decoding = decoding.model_copy(update={"strategy": options.strategy})

    def measure(self, bundle: Bundle, step: TrainingStep) -> dict[str, float]:
        """The metrics of the recipe, and with the loss its nll and perplexity. Losses in nats per target token."""
        device = next(step.parameters()).device
        was_training = bundle.model.training
        bundle.model.eval()
        try:
            with step.uncompiled():
                scores = self._loss(step, device)
                scores |= self._translate(bundle)
        finally:
            bundle.model.train(was_training)
        return scores

    @torch.inference_mode()
    def _loss(self, step: nn.Module, device: torch.device) -> dict[str, float]:
        sums = torch.zeros(2, dtype=sum_type(device), device=device)
        for batch in self.held_out.batches:
            loss = step(batch.to(device))
            sums += torch.stack([loss.smoothed, loss.nll])
        tokens = sum(batch.tokens for batch in self.held_out.batches)
        smoothed, nll = (sums / tokens).tolist()
        return {"loss": smoothed, "nll": nll, "ppl": float(np.exp(nll))}

    def _translate(self, bundle: Bundle) -> dict[str, float]:
        if not self.metrics:
            return {}
        sources = self.held_out.sources[: self.options.lines]
        references = self.held_out.references[: self.options.lines]
        translations = Translator(bundle, self.decoding).translate_all(sources)
        scores = evaluate(translations, [references], list(self.metrics.values()))
        return {name: score.score for name, score in zip(self.metrics, scores, strict=True)}
