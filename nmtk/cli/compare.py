"""`nmtk compare`: where two systems' translations differ."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nmtk.cli import metric_flags as flag
from nmtk.evaluation.names import USUAL

if TYPE_CHECKING:
    from nmtk.documents import Document


def compare(
    texts: Annotated[list[Path], typer.Argument(metavar="RUN_A RUN_B | REF", help="Two runs; or references.")],
    hypotheses: Annotated[
        list[Path] | None,
        typer.Option("-i", "--input", metavar="HYP", help="A system's translations; twice. The first is the baseline."),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--source", metavar="SRC", help="With -i: the source, to be shown.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="HTML", help="A page that shows the differences.")
    ] = None,
    sentences: Annotated[int, typer.Option("-n", "--sentences", min=0, help="How many it shows on either side.")] = 50,
    pair: flag.Pair = None,
    metrics: flag.Names = None,
    tokenize: flag.Tokenize = None,
    lowercase: flag.Lowercase = False,
    chrf_lowercase: flag.ChrfLowercase = False,
    ter_normalized: flag.TerNormalized = False,
    ter_asian_support: flag.TerAsianSupport = False,
    tokenised_reference: flag.TokenisedReference = False,
    layout: Annotated[
        Literal["text", "json", "latex"], typer.Option("--format", "-f", help="How to print the scores.")
    ] = "text",
    width: Annotated[int, typer.Option("--width", "-w", min=0, max=15, help="Decimals.")] = 2,
    paired_ar: Annotated[
        bool, typer.Option("--paired-ar", help="Approximate randomisation, not paired bootstrap.")
    ] = False,
) -> None:
    """Compare two systems: scores, whether they differ by more than chance, and a page of the differences.

    \b
    nmtk compare runs/a runs/b -o report.html          on the test sets that they share
    nmtk compare REF -i A -i B --source SRC -o report.html

    The page is one file that needs no network: sentences by how much their chrF changed, words in which they differ
    marked, and figures by length and by the words' frequency in the training text (with -i, in the reference).
    """
    runs = not hypotheses
    for wrong, where, message in (
        (runs and len(texts) != 2, "RUN", f"found {len(texts)}, wanted two runs; or references and two systems, -i"),
        (not runs and len(hypotheses or []) != 2, "-i", f"found {len(hypotheses or [])}, wanted two systems"),
        (runs and source, "--source", "runs have their own"),
        (runs and pair, "-l", "runs have their own"),
        (runs and tokenised_reference, "--tokenised-reference", "wanted files of references, REF, and -i"),
        (runs and len({path.resolve() for path in texts}) < len(texts), "RUN", "found one run twice, wanted two"),
        (len({*texts, *(hypotheses or [])}) < len([*texts, *(hypotheses or [])]), "-i", "found one text twice"),
    ):
        if wrong:
            raise typer.BadParameter(message, param_hint=where)

    from nmtk.evaluation.metrics import in_language, metric_named
    from nmtk.evaluation.report import rendered
    from nmtk.evaluation.significance import Resampling
    from nmtk.lines import refuse_over

    chrf = {"lowercase": chrf_lowercase}
    settings: dict[str, Document] = {
        "bleu": {"tokenize": tokenize, "lowercase": lowercase},
        "chrf": chrf,
        "chrf++": chrf,
        "ter": {"normalized": ter_normalized, "asian_support": ter_asian_support},
        "tokenised-bleu": {"reference": "tokenised" if tokenised_reference else "raw"},
    }
    language = pair.split("-")[1] if pair else ""
    names = dict.fromkeys(metrics or USUAL)
    chosen = [in_language(metric_named(name, **settings.get(name, {})), language) for name in names]
    resampling = Resampling("ar" if paired_ar else "bs")
    if runs:
        from nmtk.recipe.compare import compare_runs

        found = compare_runs((texts[0], texts[1]), chosen, resampling)
    else:
        from nmtk.evaluation.comparison import compare as compare_texts
        from nmtk.evaluation.systems import read_systems
        from nmtk.evaluation.testsets import Task

        if output:
            texts_by_name = {"REF": texts, "HYP": hypotheses or [], "SRC": [source] if source else []}
            refuse_over(output, ((name, text) for name, some in texts_by_name.items() for text in some))
        task = Task.read(texts, source)
        one, other = read_systems(hypotheses or [])
        found = [compare_texts(task, (one, other), chosen, resampling)]
    if output:
        from nmtk.evaluation.page import page
        from nmtk.files import write_text

        write_text(output, page(found, sentences))
        print(f"nmtk: {output}: written", file=sys.stderr)
    print(rendered({one.test: one.rows for one in found}, layout, width=width))
