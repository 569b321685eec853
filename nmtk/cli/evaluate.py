"""`nmtk evaluate`: the scores of translations, or of a run's model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nmtk.cli import metric_flags as flag
from nmtk.evaluation.names import USUAL, MetricName

if TYPE_CHECKING:
    from nmtk.documents import Document

STANDARD = Path("-")
OF_ROBUSTNESS = {"-m", "--robustness", "--lines", "--format"}
"""What may stand beside --robustness."""


def evaluate(
    ctx: typer.Context,
    references: Annotated[
        list[Path] | None, typer.Argument(metavar="REF", show_default=False, help="The references.")
    ] = None,
    hypotheses: Annotated[
        list[Path] | None,
        typer.Option(
            "-i",
            "--input",
            metavar="HYP",
            help="A system's translations; repeat for more systems. The first is the baseline.",
            show_default="standard input",
        ),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("-m", "--model", metavar="RUN", help="Score this run's model, on its own test sets.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--source", metavar="SRC", help="The source: what -m translates, and COMET reads.")
    ] = None,
    test_set: Annotated[
        str | None,
        typer.Option("-t", "--test-set", metavar="NAME", help="A test set of sacreBLEU's, as wmt14/full, for REF."),
    ] = None,
    pair: flag.Pair = None,
    echo: Annotated[
        Literal["src", "ref"] | None, typer.Option(help="Print the source, or a reference, of -t, and end.")
    ] = None,
    metrics: flag.Names = None,
    compound_split: flag.CompoundSplit = False,
    tokenised_reference: flag.TokenisedReference = False,
    all_checkpoints: Annotated[
        bool, typer.Option("--all-checkpoints", help="With -m: each checkpoint; translations are kept in the run.")
    ] = False,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="With -m: how it takes capitals, typos, numbers, ... instead.")
    ] = False,
    lines: Annotated[
        int | None,
        typer.Option(
            "--lines",
            min=1,
            help="For --robustness: so many of the first test set; then the run keeps its own.",
            show_default="the recipe's",
        ),
    ] = None,
    layout: Annotated[
        Literal["text", "json", "latex"], typer.Option("--format", "-f", help="How to print the scores.")
    ] = "text",
    width: Annotated[int, typer.Option("--width", "-w", min=0, max=15, help="Decimals.")] = 2,
    tokenize: flag.Tokenize = None,
    lowercase: flag.Lowercase = False,
    smooth_method: flag.SmoothMethod = "exp",
    smooth_value: flag.SmoothValue = None,
    chrf_lowercase: flag.ChrfLowercase = False,
    chrf_eps_smoothing: flag.ChrfEpsSmoothing = False,
    ter_case_sensitive: flag.TerCaseSensitive = False,
    ter_normalized: flag.TerNormalized = False,
    ter_no_punct: flag.TerNoPunct = False,
    ter_asian_support: flag.TerAsianSupport = False,
    comet_model: flag.CometModel = None,
    confidence: Annotated[bool, typer.Option("--confidence", "-ci", help="95% intervals, by bootstrap.")] = False,
    confidence_n: Annotated[int, typer.Option("--confidence-n", "-cin", min=1, help="Resamples for them.")] = 1000,
    paired_bs: Annotated[
        bool, typer.Option("--paired-bs", "-pbs", help="Compare with the baseline by paired bootstrap.")
    ] = False,
    paired_bs_n: Annotated[int, typer.Option("--paired-bs-n", "-pbsn", min=1, help="Resamples.")] = 1000,
    paired_ar: Annotated[
        bool, typer.Option("--paired-ar", "-par", help="Or by paired approximate randomisation.")
    ] = False,
    paired_ar_n: Annotated[int, typer.Option("--paired-ar-n", "-parn", min=1, help="Trials.")] = 10000,
    jobs: Annotated[int, typer.Option("--paired-jobs", "-j", min=1, help="Processes of a paired test.")] = 1,
    seed: Annotated[
        str, typer.Option(envvar="SACREBLEU_SEED", help="What resamples are drawn from: a number above 0, or none.")
    ] = "12345",
) -> None:
    """Score translations with BLEU, chrF and TER, each with its signature.

    \b
    nmtk evaluate REF... -i HYP               a file, against one or several references
    nmtk evaluate REF -i A -i B --paired-bs   systems; which differ from A by more than chance
    nmtk evaluate -t wmt14/full -l en-de -i HYP
    nmtk evaluate -m RUN                      a run's model, on the test sets of its recipe
    nmtk evaluate -m RUN --source SRC REF     a run's model, on a text of your own; or on -t
    nmtk evaluate -m RUN --robustness         what it makes of capitals, typos, numbers, single words, ...

    All text is plain and detokenised, a sentence a line; .gz, .xz, .bz2 and .zst are read as they are. The settings of
    the metrics mean what they mean in sacreBLEU: -lc is for BLEU alone.
    """
    given, wanted = hypotheses or [], references or []
    own = model is not None and not wanted and test_set is None
    paired = paired_bs or paired_ar
    beside = sorted(_given(ctx) - OF_ROBUSTNESS) if robustness else []
    texts = [*(given or ([] if model or echo else [STANDARD])), *wanted, source]
    for wrong, where, message in (
        (test_set and not pair, "-t", "wanted its language pair too, as -l en-de"),
        (pair and own, "-l", "a run has its own languages: wanted it with REF or -t"),
        (test_set and wanted, "-t", "wanted references, REF, or a test set, -t, and not both"),
        (test_set and source, "--source", "a test set, -t, has its own"),
        (echo and not test_set, "--echo", "wanted the test set to print: -t NAME -l PAIR"),
        (model and given, "-i", "wanted a file to score, -i, or a model, -m, and not both"),
        (model and wanted and not source, "REF", "with -m RUN, wanted the text it translates too: --source FILE"),
        (not (wanted or test_set) and (source or not model), "REF", "wanted at least one reference to score against"),
        (
            smooth_value is not None and smooth_method not in ("floor", "add-k"),
            "--smooth-value",
            f"{smooth_method} has none: wanted --smooth-method floor or add-k",
        ),
        (tokenised_reference and not wanted, "--tokenised-reference", "wanted files of references, REF"),
        (robustness and not own, "--robustness", "wanted a run, -m, on the first test set of its recipe"),
        (
            beside,
            "--robustness",
            f"it has a table of its own: found {', '.join(beside)}, wanted only -m, --lines, --format",
        ),
        (robustness and layout == "latex", "--robustness", "found --format latex, wanted text or json"),
        (lines and not robustness, "--lines", "wanted --robustness, whose lines they are"),
        (all_checkpoints and not own, "--all-checkpoints", "wanted a run, -m, on the test sets of its recipe"),
        (paired_bs and paired_ar, "--paired-ar", "wanted one paired test, and not two"),
        (paired and len(given) < 2, "-i", "for a paired test, wanted two systems or more: -i A -i B"),
        (len(set(given)) < len(given), "-i", "found one system twice"),
        (texts.count(STANDARD) > 1, "-i", "found standard input for two texts, wanted it for one"),
        (not _is_seed(seed), "--seed", f"found {seed}, wanted a whole number above 0, or none"),
    ):
        if wrong:
            raise typer.BadParameter(message, param_hint=where)
    if not (given or model or echo) and sys.stdin.isatty():
        raise typer.BadParameter("wanted translations on standard input, or a file of them: -i HYP", param_hint="-i")

    if robustness:
        from nmtk.recipe.robustness import examine_run

        assert model
        card = examine_run(model, lines)
        print(card.json() if layout == "json" else card.text())
        return

    from nmtk.errors import warn
    from nmtk.evaluation.metrics import in_language, metric_named
    from nmtk.evaluation.report import rendered
    from nmtk.evaluation.significance import Resampling
    from nmtk.evaluation.systems import read_systems, score_systems, target_of, translate
    from nmtk.evaluation.testsets import Task, named_task
    from nmtk.languages import base_language

    chrf: Document = {"lowercase": chrf_lowercase, "eps_smoothing": chrf_eps_smoothing}
    settings: dict[str, Document] = {
        "bleu": {
            "tokenize": tokenize,
            "lowercase": lowercase,
            "smooth_method": smooth_method,
            "smooth_value": smooth_value,
        },
        "chrf": chrf,
        "chrf++": chrf,
        "ter": {
            "normalized": ter_normalized,
            "no_punct": ter_no_punct,
            "asian_support": ter_asian_support,
            "case_sensitive": ter_case_sensitive,
        },
        "tokenised-bleu": {"reference": "tokenised" if tokenised_reference else "raw"},
        "comet": {"model": comet_model} if comet_model else {},
    }
    names = dict.fromkeys([*(metrics or USUAL), *([MetricName.COMPOUND_BLEU] if compound_split else [])])
    language = pair.split("-")[1] if pair else ""
    chosen = [in_language(metric_named(name, **settings.get(name, {})), language) for name in names]
    resampling = Resampling(
        paired="bs" if paired_bs else "ar" if paired_ar else None,
        trials=paired_bs_n if paired_bs else paired_ar_n,
        interval=confidence_n if confidence else 0,
        seed=seed,
        jobs=jobs,
    )
    if own:
        from nmtk.recipe.evaluate import evaluate_run

        assert model
        tests = evaluate_run(model, chosen, all_checkpoints, resampling)
        print(rendered(tests, layout, width, all_checkpoints))
        return
    task = named_task(test_set, pair) if test_set and pair else Task.read(wanted, source)
    if echo:
        side = task.source if echo == "src" else task.references[0]
        print("\n".join(side[1] if side else ()))
        return
    if model:
        target = target_of(model)
        if pair and target and base_language(target) != base_language(language):
            warn(f"-l {pair}: but {model} translates into {target}")
        systems = [translate(model, task)]
        chosen = [in_language(metric, target) for metric in chosen]
    else:
        systems = read_systems(given or [STANDARD])
    print(rendered({"": score_systems(systems, task, chosen, resampling)}, layout, width=width))


def _given(ctx: typer.Context) -> set[str]:
    """The options on the command line, by their first names."""
    sources = {param.opts[0]: ctx.get_parameter_source(str(param.name)) for param in ctx.command.params}
    return {name for name, source in sources.items() if source and source.name == "COMMANDLINE"}


def _is_seed(text: str) -> bool:
    """Whether it is one: the paired tests of sacreBLEU take 0 for none, and would yet sign with 0."""
    return text.lower() == "none" or (text.isdecimal() and int(text) > 0)
