"""COMET with sacreBLEU's interface for metrics: so it has a signature, intervals and paired tests like any other.

It comes with the extra: `pip install 'nmtk[comet]'`. The score of a text is the mean of its sentences' scores, times
100; models of its first years, as wmt20-comet-da, are not bounded by 0 and 100.
"""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sacrebleu.metrics.base import Metric as Measure
from sacrebleu.metrics.base import Score, Signature

from nmtk.errors import OptionsError

BATCH = 16
"""Sentences that the model judges at a time."""


class CometSignature(Signature):
    """The model, and the version of the package."""

    def __init__(self, args: dict[str, Any]) -> None:
        super().__init__(args)
        try:
            found = version("unbabel-comet")
        except PackageNotFoundError:
            found = "unknown"
        self.info |= {"model": args["model"].replace(":", "-").replace("|", "-"), "version": f"comet-{found}"}


class CometMeasure(Measure):
    """A COMET model, ready to judge translations of one source. A sentence's statistics are its score and 1."""

    _SIGNATURE_TYPE = CometSignature

    def __init__(self, model: str, references: Sequence[Sequence[str]], source: Sequence[str] | None) -> None:
        """Raises OptionsError without a source, with several references, and when the package is not installed."""
        super().__init__()  # type: ignore[no-untyped-call]
        if source is None:
            raise OptionsError("comet: wanted the source that was translated too: --source SRC")
        if len(references) != 1:
            raise OptionsError(f"comet: found {len(references)} references, wanted one")
        try:
            from comet import download_model, load_from_checkpoint
        except ImportError:
            raise OptionsError("comet: wanted the package unbabel-comet: pip install 'nmtk[comet]'") from None
        self.model, self.num_refs = model, 1
        self._source, self._reference = source, references[0]
        try:
            self._judge = load_from_checkpoint(model if Path(model).is_file() else download_model(model))
        except (OSError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise OptionsError(f"comet: {model} cannot be had: {reason}") from None

    def _extract_corpus_statistics(
        self, hypotheses: Sequence[str], references: Sequence[Sequence[str]] | None
    ) -> list[list[float]]:
        import torch

        triples = zip(self._source, hypotheses, self._reference, strict=True)
        found = self._judge.predict(
            [{"src": source, "mt": hypothesis, "ref": reference} for source, hypothesis, reference in triples],
            batch_size=BATCH,
            gpus=min(1, torch.cuda.device_count()),
            progress_bar=False,
        )
        return [[float(score), 1.0] for score in found.scores]

    def _aggregate_and_compute(self, stats: Sequence[Sequence[float]]) -> Score:
        return self._compute_score_from_stats([sum(column) for column in zip(*stats, strict=True)])

    def _compute_score_from_stats(self, stats: Sequence[float]) -> Score:
        total, sentences = stats
        return Score("COMET", 100 * float(total) / float(sentences))

    def _preprocess_segment(self, sent: str) -> str:
        raise NotImplementedError("COMET reads whole texts")

    def _extract_reference_info(self, refs: Sequence[str]) -> dict[str, Any]:
        raise NotImplementedError("COMET reads whole texts")

    def _compute_segment_statistics(self, hypothesis: str, ref_kwargs: dict[str, Any]) -> list[float]:
        raise NotImplementedError("COMET reads whole texts")
