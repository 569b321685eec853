"""A recipe's run: the whole job from raw text to a scored model. Run again, it goes on where it stopped."""

import gc
import math
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from nmtk import __version__
from nmtk.allocator import keep_memory
from nmtk.bundle import CARD, FINAL, Bundle, checkpoints_in
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.translator import Translator
from nmtk.devices import pick_device, pick_precision
from nmtk.documents import Document, to_yaml
from nmtk.errors import DataError, TrainingError
from nmtk.evaluation.report import as_json
from nmtk.evaluation.scores import Score
from nmtk.files import write_text
from nmtk.model.transformer import Transformer
from nmtk.recipe.chain import Stage, chain_of, make_texts, open_chain
from nmtk.recipe.evaluate import Scores, check_metrics, exact_share, listed, score_tests, verdicts
from nmtk.recipe.home import begun, claim, digest_of, held, write_manifest
from nmtk.recipe.prepare import Prepared, prepare
from nmtk.recipe.recipe import Located, Recipe
from nmtk.recipe.robustness import examine
from nmtk.recipe.robustness import keep as keep_robustness
from nmtk.recipe.translations import translate_tests
from nmtk.training import checkpoints
from nmtk.training.averaging import average_bundles
from nmtk.training.budget import Batches, keep, longest_of, settle
from nmtk.training.distributed import Ranks
from nmtk.training.memory import naming_memory
from nmtk.training.probe import Probe
from nmtk.training.progress import listeners
from nmtk.training.stopping import to_average
from nmtk.training.trainer import Trainer
from nmtk.training.validation import HeldOut, Validator
from nmtk.training.verdict import SLOW

SHOWN = 3
"""Translations shown at the end, of each test set."""


def train(located: Located, run: Path, overwrite: bool, console: Console) -> Scores | None:
    """Do what is not yet done of: prepare, train, average, translate the test sets, score.

    Where other recipes make text for this one (`nmtk.recipe.chain`), the same is done of each of them before, in a run
    of its own; `overwrite` is for the last run alone. Progress goes to the console. Returns the scores of each test
    set, none on ranks but the first; None when a signal stopped the work, which then has saved its state.
    """
    threads = torch.get_num_threads()
    scores = None
    with Ranks.join(located.recipe.training.device) as ranks, ExitStack() as holding:
        chain = chain_of(located, run)
        for stage in chain:
            check_metrics(stage.located.recipe)
        if ranks.first:
            holding.enter_context(held(chain[-1].run))
        left = open_chain(chain, overwrite, ranks)
        for number, stage in enumerate(chain, 1):
            if len(chain) > 1 and ranks.first:
                done = "" if stage in left else ": nothing left to do"
                _say(console, f"stage {number} of {len(chain)}: {stage.located.recipe.name}, in {stage.run}{done}")
            if stage not in left:
                continue
            torch.set_num_threads(threads)
            gc.collect()  # of the stage before
            torch.cuda.empty_cache()
            with held(stage.run) if ranks.first and stage is not chain[-1] else nullcontext():
                scores = _stage(stage, chain, ranks, console)
            if scores is None:
                break
        return scores


def _stage(stage: Stage, chain: Sequence[Stage], ranks: Ranks, console: Console) -> Scores | None:
    """The whole job of one recipe of a chain, by ranks that may have done another's before."""
    recipe = stage.located.recipe
    ranks = on_device(ranks, recipe)
    if not make_texts(stage, chain, ranks, console):
        return None
    prepared = begin(stage.located, stage.run, ranks, console)
    trainer = _trainer(recipe, prepared, stage.run, ranks, console)
    try:
        reason = trainer.train()
    finally:
        for listener in trainer.listeners:
            listener.close()
    if ranks.first:
        further = "; the same command goes on from there" if trainer.interrupted else ""
        _say(console, f"stopped after {trainer.state.update:,} updates: {reason}{further}")
    if trainer.interrupted:
        return None
    ranks.at(trainer.state.update, "finishing", least=SLOW)
    remedy = (
        f"a smaller decoding.batch_tokens (now {recipe.decoding.batch_tokens}), or the same with training.device=cpu"
    )
    with ranks.moving(), naming_memory(trainer.state.update, ranks.device, "translating at the end", remedy):
        scores = _finish(recipe, prepared, trainer, stage.run, console) if ranks.first else {}
    ranks.wait()
    ranks.anew()
    return scores


def on_device(ranks: Ranks, recipe: Recipe) -> Ranks:
    """The ranks where a recipe is to be trained. Raises TrainingError when they would have to join anew for that."""
    device = pick_device(recipe.training.device)
    if ranks.world == 1:
        return ranks.on(device)
    if device.type != ranks.device.type:
        raise TrainingError(
            f"recipe {recipe.name}: training.device: found {device.type}, wanted {ranks.device.type} as in the chain's "
            f"other recipes: ranks stay where they are; or train it by itself first"
        )
    return ranks


def begin(located: Located, run: Path, ranks: Ranks, console: Console, trains: bool = True) -> Prepared:
    """All that comes before there is a model: the process set up, the run's folder claimed, its data prepared.

    Where nothing `trains`, a run that has begun is only read.

    Rank 0 prepares first; then the first of each other machine, which finds it done where they share the disk.
    Raises DataError when machines came to different data.
    """
    keep_memory()
    torch.set_num_threads(located.recipe.training.threads or torch.get_num_threads())
    ranks.at(0, "preparing", least=math.inf)
    prepared = None
    if ranks.first:
        claim(run, located, trains=trains)
        prepared = prepare(located, run, console)
        if trains or not begun(run):
            write_manifest(run, located.folder, prepared.texts.manifest)
    ranks.wait()
    if ranks.first_here and not ranks.first:
        prepared = prepare(located, run, console)
    ranks.wait()
    if prepared is None:
        prepared = prepare(located, run, console)
    digests = [prepared.vocabularies.digest, *(corpus.digest for corpus in prepared.mixture.corpora)]
    if digests != ranks.tell(digests):
        raise DataError(
            f"{run}: its vocabulary or corpora are not those of rank 0: wanted the same files on all machines"
        )
    ranks.at(0, "building the model")
    return prepared


def probe_of(recipe: Recipe, prepared: Prepared, device: torch.device) -> Probe:
    """What is to be known of a recipe's updates, to tell how much memory they take."""
    source, target = map(len, prepared.vocabularies)
    dtype = pick_precision(recipe.training.precision, device)
    longest, stretched = longest_of(prepared.mixture, recipe.training)
    return Probe(recipe.model, source, target, recipe.training, dtype, device, longest, stretched)


def batches_of(recipe: Recipe, prepared: Prepared, run: Path, ranks: Ranks) -> Batches | None:
    """What `batch_tokens: auto` comes to in a run; None where the recipe says the size of its batches."""
    if recipe.training.batch_tokens == "auto":
        ranks.at(0, "trying batches", least=math.inf)
    return settle(run, recipe.training, lambda: probe_of(recipe, prepared, ranks.device), ranks, begun(run))


def _trainer(recipe: Recipe, prepared: Prepared, run: Path, ranks: Ranks, console: Console) -> Trainer:
    options, vocabularies = recipe.training, prepared.vocabularies
    if batches := batches_of(recipe, prepared, run, ranks):
        options = batches.over(options)
        ranks.wait()  # all have read what the run knows
        if ranks.first:
            keep(run, batches)
            _say(console, str(batches))
    torch.manual_seed(options.seed)
    model = Transformer(recipe.model, len(vocabularies.source), len(vocabularies.target))
    dtype = pick_precision(options.precision, ranks.device)
    held_out = list(prepared.texts.valid.pairs())
    validator = Validator(
        HeldOut.of(
            [pair.source for pair in held_out],
            [pair.target for pair in held_out],
            vocabularies,
            options.effective_tokens // options.accumulate,
            model.longest,
        ),
        options.validation,
        recipe.decoding,
        recipe.data.target,
    )
    bundle = Bundle(model, vocabularies, recipe.decoding.document(), _card(recipe, prepared))
    if ranks.first:
        pairs = sum(prepared.mixture.sizes)
        precision = str(dtype).removeprefix("torch.")
        where = f"{ranks.device} x {ranks.world}, {precision}, {torch.get_num_threads()} threads"
        _say(console, f"model: {model.parameter_count:,} parameters; {pairs:,} pairs; on {where}")
    heard = listeners(run, console) if ranks.first else []
    return Trainer(run, bundle, prepared.mixture, validator, options, dtype, ranks, heard)


def _card(recipe: Recipe, prepared: Prepared) -> Document:
    return {
        "format": 1,
        "nmtk": __version__,
        "recipe": recipe.name,
        "source": recipe.data.source,
        "target": recipe.data.target,
        "vocabulary": prepared.vocabularies.digest,
        "corpora": {corpus.folder.name: corpus.digest for corpus in prepared.mixture.corpora},
        "files": [found.document() for found in prepared.texts.manifest],
    }


def _finish(recipe: Recipe, prepared: Prepared, trainer: Trainer, run: Path, console: Console) -> Scores:
    """Average checkpoints into the final model, have it translate the test sets, score that, and say how it went.

    What translates is read from the run's folder, so that the scores are those of the model that is kept.
    """
    saved = checkpoints_in(run)
    due = checkpoints.due(run, recipe.training)
    chosen = to_average(recipe.training, list(saved), due, trainer.state.history)
    bundle = average_bundles([saved[update] for update in chosen])
    bundle = bundle._replace(decoding=recipe.decoding.document())  # it may have changed since they were saved
    bundle.save(run / FINAL)
    _say(console, f"model: mean of {len(chosen)} checkpoints, updates {', '.join(map(str, sorted(chosen)))}")
    bundle = Bundle.load(run / FINAL, trainer.ranks.device, packed=True)
    tests = prepared.texts.test
    options = DecodingOptions.parse(bundle.decoding, str(run))
    translated = translate_tests(bundle, options, tests, run)
    scores = score_tests(recipe, translated, tests)
    _show(recipe, prepared, translated, scores, console)
    write_text(run / "scores.json", as_json(listed(scores)) + "\n")
    card = bundle.card | {
        "document": digest_of(recipe),
        "training": {
            "updates": trainer.state.update,
            "epochs": round(trainer.state.epochs, 3),
            "target_tokens": trainer.state.tokens,
            "seconds": round(trainer.state.seconds),
            "averaged": sorted(chosen),
        },
        "scores": {name: [_brief(score) for score in found] for name, found in listed(scores).items()},
    }
    write_text(run / FINAL / CARD, to_yaml(card))
    if recipe.robustness.lines and tests:
        name, text = next(iter(tests.items()))
        pairs, language = list(text.pairs()), recipe.data.target
        found = examine(Translator(bundle, options), name, pairs, translated[name], recipe.robustness, language)
        keep_robustness(run, found)
        _say(console, found.text())
    return scores


def _show(
    recipe: Recipe,
    prepared: Prepared,
    translated: dict[str, list[str]],
    scores: Scores,
    console: Console,
) -> None:
    for name, lines in translated.items():
        pairs = list(prepared.texts.test[name].pairs())
        for pair, line in list(zip(pairs, lines, strict=True))[:SHOWN]:
            _say(console, f"  source       {pair.source}\n  reference    {pair.target}\n  translation  {line}\n")
        exact = exact_share(lines, [pair.target for pair in pairs])
        _say(console, f"{name}: {exact:.1f}% of {len(lines):,} translations equal the reference")
        for verdict in verdicts(recipe.expect.get(name, {}), scores[name]):
            _say(console, f"{name}: {verdict}")


def _brief(score: Score) -> dict[str, Any]:
    return {"name": score.name, "score": round(score.score, 4), "signature": score.signature}


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
