"""Scores of two files side by side, as they come."""

import json
import math
import sys
from collections.abc import Sequence
from itertools import tee
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from nmtk.data.pairs import Pair, read_files
from nmtk.decoding.ensemble import load_models
from nmtk.decoding.scoring import Score, Scorer, perplexity
from nmtk.decoding.translator import BUFFER
from nmtk.devices import pick_device, pick_precision
from nmtk.lines import origin_of, refuse_over
from nmtk.translation.output import opened
from nmtk.vocabulary.vocabulary import Vocabulary


class Layout(NamedTuple):
    """What is said of each pair, in one line. Four decimals: what is beyond may change with the batch.

    JSON has no infinite numbers: a perplexity that is one is null.
    """

    kind: Literal["text", "tsv", "jsonl"] = "text"
    tokens: bool = False
    """In text: each token too."""
    normalise: bool = False
    """In text and TSV: the log-probability per token."""

    def line(self, pair: Pair, score: Score, vocabulary: Vocabulary) -> str:
        """The line, without its end."""
        logp = score.logp / score.tokens if self.normalise else score.logp
        match self.kind:
            case "jsonl":
                return json.dumps(
                    {
                        "logp": round(score.logp, 4),
                        "tokens": score.tokens,
                        "perplexity": round(score.perplexity, 4) if math.isfinite(score.perplexity) else None,
                        "pieces": _pieces(score, vocabulary),
                        "token_logps": [round(one, 4) for one in score.token_logps],
                    },
                    ensure_ascii=False,
                )
            case "tsv":
                texts = (text.replace("\t", " ") for text in (pair.source, pair.target))
                return "\t".join((f"{logp:.4f}", str(score.tokens), f"{score.perplexity:.4f}", *texts))
            case "text" if self.tokens:
                each = zip(_pieces(score, vocabulary), score.token_logps, strict=True)
                return f"{logp:.4f}\t" + " ".join(f"{piece}:{one:.4f}" for piece, one in each)
            case "text":
                return f"{logp:.4f}"


def _pieces(score: Score, vocabulary: Vocabulary) -> list[str]:
    return vocabulary.pieces([*score.ids, vocabulary.eos])


def score_stream(
    models: Sequence[Path],
    weights: Sequence[float] | None,
    source: Path,
    target: Path,
    output: Path | None,
    layout: Layout,
    batch_tokens: int,
    device: str,
    precision: str,
    threads: int | None,
    quiet: bool,
) -> None:
    """Score each line of `target` as a translation of that line of `source`; either may be standard input.

    Several models are an ensemble, with these weights or equal. The scores go to `output` (None: standard output), a
    summary to standard error. Raises ModelError, OptionsError and DataError.
    """
    refuse_over(output, (("SOURCE", source), ("TARGET", target)))
    if threads:
        torch.set_num_threads(threads)
    place = pick_device(device)
    bundle = load_models(models, weights, place, pick_precision(precision, place))
    pairs = tokens = 0
    logp = 0.0
    read, given = tee(read_files(source, target))
    origins = origin_of(source), origin_of(target)
    scorer = Scorer(bundle, batch_tokens, lambda note: None if quiet else _tell(f"warning: {note}"), origins)
    scores = scorer.score_pairs((pair.source, pair.target) for pair in given)
    with opened(output, BUFFER) as records:
        for pair, score in zip(read, scores, strict=True):
            records.write(f"{layout.line(pair, score, bundle.vocabularies.target)}\n".encode())
            pairs, tokens, logp = pairs + 1, tokens + score.tokens, logp + score.logp
    if not quiet:
        summary = f"{pairs:,} pairs, {tokens:,} tokens, log-probability {logp:.4f}"
        told = f"{summary}, perplexity {perplexity(logp, tokens):.4f}" if tokens else summary
        _tell(told)


def _tell(note: str) -> None:
    sys.stderr.write(f"nmtk: {note}\n")
