"""Benchmark: how fast a model trains and translates here, and how much of what the machine can do that is.

Without a recipe, a model of one of the presets is measured on generated ids of realistic lengths: it says something on
any machine. With a recipe or a run, its own model and data are: a run's trained model translates the validation set;
one that was not trained translates it at the lengths of the references, since it would never end by itself.

Each model is measured in a process of its own, which tells its memory from all else.
"""

from collections.abc import Generator, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from rich.console import Console

from nmtk.allocator import keep_memory
from nmtk.bundle import Bundle
from nmtk.data.batches import Batch
from nmtk.data.cursor import Cursor, walk
from nmtk.data.generated import FIRST, generated_batches, realistic_lengths
from nmtk.data.prefetch import prefetch
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.specials import Specials
from nmtk.decoding.strategies import Greedy, Strategy
from nmtk.decoding.timing import Question, Searched, time_search
from nmtk.devices import pick_device, pick_precision
from nmtk.errors import OptionsError
from nmtk.model.options import PRESETS, TransformerOptions
from nmtk.model.packed import pack
from nmtk.model.transformer import Transformer
from nmtk.options import nearest
from nmtk.recipe.home import begun, is_run, job
from nmtk.recipe.prepare import Prepared, prepare
from nmtk.recipe.recipe import Located
from nmtk.recipe.run import batches_of, begin
from nmtk.training.apart import apart
from nmtk.training.distributed import Ranks
from nmtk.training.flops import Lengths, forward_flops, matmul_ceiling
from nmtk.training.memory import peak_memory
from nmtk.training.options import UPDATE_TOKENS, TrainingOptions
from nmtk.training.rehearsal import Rehearsal

VOCABULARY = 32_000
PAIRS = 2000
CEILING_SECONDS = 0.5
"""How long each size of matrix products is tried, at the most."""
GPU_TOKENS = 25_000
"""Tokens of an update on a GPU (Vaswani et al. 2017, section 5.1); on a CPU they are the default of training."""


class Wishes(NamedTuple):
    """What was asked for; None is what the recipe says, or what suits the machine."""

    batch_tokens: int | None = None
    device: str | None = None
    precision: Literal["auto", "float32", "bfloat16"] | None = None
    threads: int | None = None
    seconds: float = 10.0
    """How long each thing is measured."""


class Figures(NamedTuple):
    """How fast one thing is. Tokens are real ones of the target side, `</s>` included."""

    tokens_per_second: float
    sentences_per_second: float
    flops_per_second: float
    utilisation: float
    """Of the ceiling."""
    memory: int | None
    """Bytes at the most: of tensors on a GPU, of the process on a CPU."""


class Measured(NamedTuple):
    """A model's figures: of training, and of each way of decoding."""

    name: str
    parameters: int
    device: str
    threads: int
    precision: str
    """Of training."""
    decoding_precision: str
    ceilings: dict[str, float]
    """Operations a second of matrix products, by precision."""
    update_tokens: int
    accumulate: int
    trained: bool
    figures: dict[str, Figures]

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return self._asdict() | {"figures": {name: found._asdict() for name, found in self.figures.items()}}


class _Subject(NamedTuple):
    """A model and what it is measured on."""

    name: str
    training: TrainingOptions
    decoding: DecodingOptions
    untrained: Transformer
    trained: Transformer | None
    updates: Iterator[Sequence[Batch]]
    questions: Sequence[Question]
    eos: int
    pad: int
    specials: Specials


def benchmark_presets(names: Sequence[str], wishes: Wishes) -> list[Measured]:
    """Measure models of these presets on generated pairs. Raises OptionsError for a name that is none."""
    for name in names:
        if name not in PRESETS:
            raise OptionsError(
                f"preset: found {name}, wanted one of {', '.join(PRESETS)}{nearest(name, list(PRESETS))}"
            )
    return [apart(_measure_preset, name, wishes) for name in names]


def benchmark_recipe(
    path: Path, settings: Sequence[str], output: Path | None, wishes: Wishes, console: Console
) -> list[Measured]:
    """Measure a run, or a recipe, whose data are prepared in its run's folder as `nmtk train` would."""
    if is_run(path) and (settings or output):
        raise OptionsError(f"{path}: a run is measured as it is: wanted a recipe beside key=value or -o")
    located, run = job(path, settings, output)
    given = {"device": wishes.device, "precision": wishes.precision, "threads": wishes.threads}
    changed = {key: value for key, value in given.items() if value is not None}
    recipe = located.recipe
    asked = recipe.model_copy(update={"training": recipe.training.model_copy(update=changed)})
    with Ranks.join(asked.training.device) as ranks:
        if ranks.world > 1:
            raise OptionsError("benchmark: found several ranks, wanted one process: nmtk train --plan measures them")
        prepared = prepare(located, run, console) if path == run else begin(located, run, ranks, console, False)
        if batches := batches_of(asked, prepared, run, ranks):
            asked = asked.model_copy(update={"training": batches.over(asked.training)})
    return [apart(_measure_run, Located(asked, located.folder), run, wishes)]


def _measure_preset(name: str, wishes: Wishes) -> Measured:
    device = pick_device(wishes.device or "auto")
    tokens = wishes.batch_tokens or (UPDATE_TOKENS if device.type == "cpu" else GPU_TOKENS)
    training = TrainingOptions(
        updates=1, batch_tokens=tokens, precision=wishes.precision or "auto", threads=wishes.threads
    )
    source, target = realistic_lengths(PAIRS)
    draw = np.random.default_rng(0)
    questions = [
        Question(draw.integers(FIRST, VOCABULARY, length - 1).tolist(), int(limit) - 1)
        for length, limit in zip(source, target, strict=True)
    ]
    batches = generated_batches(PAIRS, tokens, VOCABULARY, VOCABULARY)
    subject = _Subject(
        f"preset {name}",
        training,
        DecodingOptions(),
        Transformer(TransformerOptions.parse({"preset": name}, "--preset"), VOCABULARY, VOCABULARY),
        None,
        ([batch] for batch in cycle(batches)),
        questions,
        eos=3,
        pad=0,
        specials=Specials(bos=2, eos=3, never=(0, 1, 2)),
    )
    return _measure(subject, device, wishes.seconds)


def _measure_run(located: Located, run: Path, wishes: Wishes) -> Measured:
    recipe = located.recipe
    device = pick_device(recipe.training.device)
    prepared = prepare(located, run, Console(quiet=True))
    one, other = prepared.vocabularies
    trained = Bundle.load(run).model if begun(run) else None
    subject = _Subject(
        str(run) if trained else f"recipe {recipe.name}",
        recipe.training,
        recipe.decoding,
        Transformer(recipe.model, len(one), len(other)),
        trained,
        updates_of(prepared, recipe.training),
        questions_of(prepared, recipe.decoding, references=trained is None),
        one.eos,
        one.pad,
        Specials.of(other, recipe.decoding.unknown),
    )
    return _measure(subject, device, wishes.seconds)


def updates_of(prepared: Prepared, options: TrainingOptions, ranks: Ranks | None = None) -> Generator[Sequence[Batch]]:
    """A rank's batches of each update from the first one on, made ahead in a thread as in training."""
    rank, world = (ranks.rank, ranks.world) if ranks else (0, 1)
    alpha = options.sampling.alpha if options.sampling else None
    cut = options.effective_tokens, options.accumulate, options.seed
    for share in prefetch(lambda: walk(prepared.mixture, *cut, Cursor(), rank, world, alpha)):
        yield share.batches


def questions_of(prepared: Prepared, decoding: DecodingOptions, references: bool) -> list[Question]:
    """The source sentences of the validation set, but for those that would be split.

    references: limit each translation to the length of its reference, not to what decoding allows.
    """
    pairs = list(prepared.texts.valid.pairs())
    sources = prepared.vocabularies.source.encode([pair.source for pair in pairs])
    targets = prepared.vocabularies.target.encode([pair.target for pair in pairs])
    return [
        Question(source, len(target) if references else decoding.limit(len(source)) - 1)
        for source, target in zip(sources, targets, strict=True)
        if 0 < len(source) <= decoding.longest_input
    ]


def _measure(subject: _Subject, device: torch.device, seconds: float) -> Measured:
    """Decoding first: of a CPU only the most memory so far is known, and training takes more."""
    keep_memory()  # as translating and training do
    options = subject.training
    torch.set_num_threads(options.threads or torch.get_num_threads())
    training_type = pick_precision(options.precision, device)
    decoding_type = pick_precision("auto", device, exact=True)
    types = dict.fromkeys((training_type, decoding_type))
    ceilings = {kind: matmul_ceiling(device, kind, min(CEILING_SECONDS, seconds)) for kind in types}
    figures = {}
    strategies = {_called(strategy): strategy for strategy in (Greedy(), subject.decoding.strategy)}
    for name, strategy in strategies.items():
        figures[name] = _decoding(subject, device, decoding_type, ceilings[decoding_type], strategy, seconds)
    figures = {"training": _training(subject, device, training_type, ceilings[training_type], seconds)} | figures
    return Measured(
        subject.name,
        subject.untrained.parameter_count,
        torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        torch.get_num_threads(),
        _short(training_type),
        _short(decoding_type),
        {_short(kind): ceiling for kind, ceiling in ceilings.items()},
        options.effective_tokens,
        options.accumulate,
        subject.trained is not None,
        figures,
    )


def _decoding(
    subject: _Subject, device: torch.device, dtype: torch.dtype, ceiling: float, strategy: Strategy, seconds: float
) -> Figures:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    kept = subject.trained or subject.untrained
    model = Transformer(kept.options, len(kept.source_embedding.weight), len(kept.output_weight_VD))
    model.load_state_dict(kept.state_dict())
    model = pack(model.to(device, dtype).eval())  # as translating does
    found: Searched = time_search(
        model,
        subject.questions,
        subject.eos,
        subject.pad,
        subject.specials,
        strategy,
        subject.decoding.batch_tokens,
        seconds,
    )
    lengths = Lengths.of(torch.tensor(found.source_lengths), torch.tensor(found.target_lengths))
    work = forward_flops(model, lengths).decoding(strategy.width)
    return _figures(lengths.target, len(found.source_lengths), work, found.seconds, ceiling, device)


def _training(subject: _Subject, device: torch.device, dtype: torch.dtype, ceiling: float, seconds: float) -> Figures:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    rehearsal = Rehearsal(subject.untrained, subject.training, dtype, Ranks(0, 1, device))
    paced = rehearsal.time(subject.updates, seconds)
    work = forward_flops(subject.untrained, paced.lengths).training * subject.training.passes
    return _figures(paced.lengths.target, paced.sentences, work, paced.seconds, ceiling, device)


def _figures(tokens: int, sentences: int, work: int, seconds: float, ceiling: float, device: torch.device) -> Figures:
    speed = work / seconds
    return Figures(tokens / seconds, sentences / seconds, speed, speed / ceiling, peak_memory(device))


def _called(strategy: Strategy) -> str:
    return strategy.kind if strategy.width == 1 else f"{strategy.kind} {strategy.width}"


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
