"""`nmtk translate`: lines in, translations out."""

import typer

from nmtk.cli import translate_flags as flag
from nmtk.errors import OptionsError


def translate(
    ctx: typer.Context,
    models: flag.Models,
    weights: flag.Weights = None,
    source: flag.Source = None,
    output: flag.Target = None,
    input_format: flag.InputFormat = None,
    columns: flag.Columns = None,
    paragraphs: flag.Paragraphs = False,
    source_language: flag.SourceLanguage = None,
    output_format: flag.OutputFormat = None,
    nbest: flag.Nbest = None,
    alignments: flag.Alignments = False,
    report: flag.Report = None,
    prefix: flag.Prefix = "",
    require: flag.Require = None,
    forbid: flag.Forbid = None,
    decode: flag.Decode = None,
    beam_size: flag.BeamSize = None,
    length_penalty: flag.LengthPenalty = None,
    alpha: flag.Alpha = None,
    stop: flag.Stop = None,
    groups: flag.Groups = None,
    diversity: flag.Diversity = None,
    samples: flag.Samples = None,
    temperature: flag.Temperature = None,
    top_k: flag.TopK = None,
    top_p: flag.TopP = None,
    seed: flag.Seed = None,
    metric: flag.Metric = None,
    rerank: flag.Rerank = None,
    no_repeat_ngram: flag.NoRepeatNgram = None,
    repetition_penalty: flag.RepetitionPenalty = None,
    loop_guard: flag.LoopGuard = None,
    min_length: flag.MinLength = None,
    min_ratio: flag.MinRatio = None,
    max_ratio: flag.MaxRatio = None,
    max_extra: flag.MaxExtra = None,
    longest: flag.Longest = None,
    longest_input: flag.LongestInput = None,
    unknown: flag.Unknown = None,
    resume: flag.Resume = False,
    shard: flag.Shard = None,
    batch_tokens: flag.BatchTokens = None,
    buffer_size: flag.BufferSize = None,
    engine: flag.Engine = "nmtk",
    device: flag.Device = "auto",
    precision: flag.Precision = "auto",
    threads: flag.Threads = None,
    quiet: flag.Quiet = False,
) -> None:
    """Translate text, line by line: output line i belongs to input line i, and an empty line stays empty.

    \b
    nmtk translate -m RUN < in > out
    nmtk translate -m RUN -i in.gz -o out.gz
    nmtk translate -m RUN -i in.jsonl -o out.jsonl --nbest 4
    nmtk translate -m RUN --beam-size 8 --rerank own=1,length=0.2,backward=REVERSE:1 < in > out
    nmtk translate -m RUN --require "Frau Doktor" --forbid Fräulein < in > out
    nmtk translate -m RUN -i in.xz -o out.3 --shard 3/16         then: cat out.1 ... out.16
    torchrun --nproc-per-node 4 -m nmtk translate -m RUN -i in.xz -o out.xz

    From file to file, what is done is kept in out.part: killed, run it again with --resume. On any number of processes
    the output is the same, byte for byte, at equal precision.
    """
    split = "sentences" if paragraphs else None
    from nmtk.decoding.jury import parse_jury
    from nmtk.decoding.sentences import Request
    from nmtk.translation.answers import Layout
    from nmtk.translation.inputs import Input, guess_format
    from nmtk.translation.wishes import PLACES, Wishes

    # Most wishes have the names of their flags above.
    sharing = "beam" if require else None  # the one search that can see to it
    wishes = Wishes(decode or sharing, **{name: ctx.params.get(name) for name in PLACES} | {"split": split})
    always = Request("", prefix, tuple(require or ()), tuple(forbid or ()))
    given = Input(source, input_format or guess_format(source), tuple(columns.split(",")) if columns else None, always)
    written = Layout(output_format or ("jsonl" if guess_format(output) == "jsonl" else "text"), nbest, alignments)
    elsewhere = engine != "nmtk" and device not in ("auto", "cpu")
    misplaced = f"--engine {engine} is for CPUs: found --device {device}" if elsewhere else None
    unshared = (
        f"--require is for beam: {decode} has no such thing" if require and decode not in (None, "beam") else None
    )
    for fault in (unshared, wishes.fault(), given.fault(), written.fault(), misplaced):
        if fault:
            raise typer.BadParameter(fault)
    shares = flag.shares_of(weights, len(models))
    try:
        jury = parse_jury(rerank) if rerank is not None else []
    except OptionsError as fault:
        raise typer.BadParameter(f"--rerank: {fault}") from None

    from nmtk.translation.job import Job, Machine
    from nmtk.translation.progress import watched
    from nmtk.translation.stream import translate_stream

    machine = Machine(device, precision, threads)
    if engine == "ctranslate2":
        from nmtk.interop.engine import CTranslate2

        machine = Machine("cpu", "float32", threads, CTranslate2(precision, quiet))  # what nmtk itself is left with
    job = Job(models, wishes, given, output, shares, written, report, machine, buffer_size, resume, shard, quiet, jury)
    with watched(job) as told:
        translate_stream(job, told)
