"""`nmtk evaluate`: the scores of translations, or of a run's model."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nmtk.evaluation.names import USUAL, MetricName, Tokenizer

if TYPE_CHECKING:
    from nmtk.documents import Document
    from nmtk.evaluation.metrics import Metric, Score, Text


def evaluate(
    references: Annotated[
        list[Path] | None, typer.Argument(metavar="REF", show_default=False, help="The references.")
    ] = None,
    hypotheses: Annotated[
        Path | None,
        typer.Option("-i", "--input", metavar="HYP", help="The translations to score.", show_default="standard input"),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("-m", "--model", metavar="RUN", help="Score this run's model on its own test sets.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--source", metavar="FILE", help="With -m: translate FILE and score against REF.")
    ] = None,
    metrics: Annotated[
        list[MetricName] | None,
        typer.Option("--metric", help="A metric; repeat for more.", show_default=", ".join(USUAL)),
    ] = None,
    layout: Annotated[
        Literal["text", "json"], typer.Option("--format", "-f", help="How to print the scores.")
    ] = "text",
    width: Annotated[int, typer.Option("--width", "-w", min=0, max=15, help="Decimals.")] = 2,
    tokenize: Annotated[Tokenizer, typer.Option("--tokenize", "-tok", help="How BLEU finds words.")] = "13a",
    lowercase: Annotated[bool, typer.Option("--lowercase", "-lc", help="BLEU ignores case.")] = False,
    chrf_lowercase: Annotated[bool, typer.Option("--chrf-lowercase", help="chrF ignores case.")] = False,
    ter_case_sensitive: Annotated[bool, typer.Option("--ter-case-sensitive", help="TER minds case.")] = False,
) -> None:
    """Score translations with BLEU, chrF and TER, each with its signature.

    \b
    nmtk evaluate REF... -i HYP            a file, against one or several references
    nmtk evaluate -m RUN                   a run's model, on the test sets of its recipe
    nmtk evaluate -m RUN --source SRC REF  a run's model, on a text of your own

    All text is plain and detokenised, a sentence a line; .gz, .xz, .bz2 and .zst are read as they are. The settings of
    the metrics mean what they mean in sacreBLEU: -lc is for BLEU alone.
    """
    if model is None and source is not None:
        raise typer.BadParameter("wanted the model that translates it too: -m RUN", param_hint="--source")
    if model is not None and hypotheses is not None:
        raise typer.BadParameter("wanted a file to score, -i, or a model, -m, and not both", param_hint="-i")
    if model is not None and source is None and references:
        raise typer.BadParameter("with -m RUN, wanted the text it translates too: --source FILE", param_hint="REF")
    if not references and (model is None or source is not None):
        raise typer.BadParameter("wanted at least one reference to score against", param_hint="REF")

    chosen = _chosen(
        metrics or USUAL,
        bleu={"tokenize": tokenize, "lowercase": lowercase},
        chrf={"lowercase": chrf_lowercase},
        ter={"case_sensitive": ter_case_sensitive},
    )
    if model is None:
        tests = {"": _score_file(hypotheses, references or [], chosen)}
    elif source is not None:
        tests = {"": _score_model(model, source, references or [], chosen)}
    else:
        from nmtk.recipe.evaluate import evaluate_run

        tests = evaluate_run(model, chosen)

    from nmtk.evaluation.report import as_json, as_text

    print(as_json(tests, width) if layout == "json" else as_text(tests, width))


def _chosen(names: Sequence[MetricName], bleu: "Document", chrf: "Document", ter: "Document") -> list["Metric"]:
    """The metrics of those names, each once, with the settings of their kind."""
    from nmtk.evaluation.metrics import METRICS

    settings = {"bleu": bleu, "chrf": chrf, "chrf++": chrf, "ter": ter}
    return [METRICS[name](**settings[name]) for name in dict.fromkeys(names)]


def _score_file(hypotheses: Path | None, references: Sequence[Path], metrics: Sequence["Metric"]) -> list["Score"]:
    from nmtk.lines import STANDARD

    given = hypotheses or STANDARD
    if given == STANDARD and STANDARD in references:
        raise typer.BadParameter("found standard input for two texts, wanted it for one", param_hint="-i")
    if hypotheses is None and sys.stdin.isatty():
        raise typer.BadParameter("wanted translations on standard input, or a file of them: -i HYP", param_hint="-i")
    return _score(_read(given), [_read(path) for path in references], metrics)


def _score_model(model: Path, source: Path, references: Sequence[Path], metrics: Sequence["Metric"]) -> list["Score"]:
    from nmtk.decoding.system import load
    from nmtk.evaluation.metrics import check_lengths

    text, wanted = _read(source), [_read(path) for path in references]
    check_lengths(text, *wanted)  # before the work of translating
    system = load(model, precision="float32")  # as for a run's own test sets: a score is the same on every machine
    return _score((f"the translation of {source}", system.translate(list(text[1]))), wanted, metrics)


def _read(path: Path) -> "Text":
    from nmtk.lines import STANDARD, read_lines

    return "standard input" if path == STANDARD else str(path), list(read_lines(path))


def _score(hypotheses: "Text", references: Sequence["Text"], metrics: Sequence["Metric"]) -> list["Score"]:
    from nmtk.evaluation.metrics import check_lengths, evaluate
    from nmtk.evaluation.suspicions import suspicions

    check_lengths(hypotheses, *references)
    streams = [lines for _, lines in references]
    for suspicion in suspicions(hypotheses[1], streams):
        print("nmtk: warning:", suspicion, file=sys.stderr)
    return evaluate(hypotheses[1], streams, metrics)
