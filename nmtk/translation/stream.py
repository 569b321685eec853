"""Streams: a model's translation of a file or of standard input, as it comes."""

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import NamedTuple

from nmtk.bundle import Bundle
from nmtk.decoding.alignment import Aligned, Aligner, Part
from nmtk.decoding.batching import blocks
from nmtk.decoding.reranking import seated
from nmtk.decoding.sentences import LineError, Request
from nmtk.decoding.strategies import DiverseBeam, Strategy
from nmtk.decoding.translator import BUFFER, Translation, Translator
from nmtk.errors import DataError, OptionsError
from nmtk.lines import STANDARD, origin_of
from nmtk.translation.answers import Answer
from nmtk.translation.inputs import Entry
from nmtk.translation.job import Job, identity, refuse_shared
from nmtk.translation.opening import load, open_crew, open_translator
from nmtk.translation.prompt import Attend, converse, refuse
from nmtk.translation.report import Report, reporting
from nmtk.translation.shards import Shard, Work, opened_work


def translate_stream(job: Job, told: Callable[[int], None] = lambda _: None) -> None:
    """Do a job: one line of output, or block of n-best lines, for each line of input.

    A file appears whole or not at all; standard output is flushed after each buffer. From file to file a translation
    that was broken off can be resumed, or be one shard of several; see `opened_work`. A report is written however it
    ends, and says whether it finished; under torchrun the first process writes that of all, and warns for them.
    `told`: how many lines there are of the output, when it begins and after each buffer. Raises ModelError,
    OptionsError and DataError.
    """
    refuse_shared(job.source.path, job.output, job.report)
    if job.prompted:
        refuse(
            alignments=job.layout.alignments,
            resume=job.resume,
            shard=job.shard,
            buffer_size=job.buffer,
            engine=job.machine.engine,
            rerank=job.jury,
        )
    shard, ranks = Shard.parse(job.shard) if job.shard else None, Shard.of_environment()
    if ranks and ranks.number > 1:
        job = job._replace(report=None, quiet=True)
    size = job.buffer or (1 if job.typed else BUFFER)
    translator = open_translator(job)
    crew = open_crew(job, translator, size)
    answering = _Answering(job, translator, size)
    if job.typed and _conversed(job, translator):
        return
    report, source, output = Report(translator.bundle.vocabularies.source), job.source.path or STANDARD, job.output
    about = {"models": [*map(str, job.models)], "input": str(source), "decoding": translator.options.document()}
    task = partial(identity, job, translator)
    with (
        crew as translator.crew,
        reporting(report, job.report, about) as begin,
        opened_work(source, output or STANDARD, task, size, job.resume, shard, report.hear) as work,
    ):
        report.first, kept = work.start, work.first - work.start
        if report.lines != kept:
            found = f"found notes on {report.lines:,} lines of {kept:,} that were kept"
            raise DataError(f"{output}: {found}: delete what there is of it to begin anew")
        if kept and not job.quiet:
            _tell(f"{kept:,} lines were kept: goes on at line {work.first + 1:,}")
        begin()
        told(work.answers.count)
        for texts, translations, records in answering.blocks(work):
            work.answers.note(report.add(texts, translations).line())  # before its records: it must last as they do
            for record in records:
                work.answers.write(record)
            told(work.answers.count)
    as_wanted = {"split"} if translator.options.split == "sentences" else set()
    for warning in () if job.quiet else report.warnings(as_wanted):
        _tell(f"warning: {warning}")


class _Block(NamedTuple):
    """Lines, the best translation of each, and what is written of it."""

    texts: Sequence[str]
    translations: Sequence[Translation]
    records: Sequence[bytes]


class _Answering:
    """From what each line asks for to what is written of its translations."""

    def __init__(self, job: Job, translator: Translator, size: int) -> None:
        """Raises OptionsError, before anything is read, for what this model or search does not give."""
        self.source, self.translator, self.size = job.source, translator, size
        strategy, layout = translator.options.strategy, job.layout
        self.best = layout.nbest or (strategy.width if layout.format == "nbest" else 1)
        if self.best > strategy.width:
            wanted = f"wanted {_more(strategy, self.best)}"
            raise OptionsError(f"the {self.best} best of a search that keeps {strategy.width}: {wanted}")
        if job.jury and strategy.width == 1:
            raise OptionsError(f"--rerank: found a search that keeps 1, wanted {_more(strategy, 2)}")
        self.kept = strategy.width if job.jury else self.best
        judges = job.jury, lambda path: load([path], None, job.machine), translator.bundle.card
        self.reranker = seated(*judges) if job.jury else None
        self.write = layout.writer(translator.bundle.vocabularies.target)
        self.aligner = _aligner(translator, len(job.models)) if layout.alignments else None

    def blocks(self, work: Work) -> Iterator[_Block]:
        """The lines of the work, so many at a time, as soon as they are translated."""
        try:
            yield from self._blocks(work)
        except LineError as error:
            raise DataError(f"{origin_of(self.source.path or STANDARD)}:{error.line}: {error.fault}") from None

    def _blocks(self, work: Work) -> Iterator[_Block]:
        asked: deque[Entry] = deque()

        def requests() -> Iterator[Request]:
            for entry in self.source.entries(work.lines, work.first):
                asked.append(entry)
                yield entry.request

        line = count(work.first)
        for block in blocks(self.translator.candidates(requests(), self.size, self.kept, work.first), self.size):
            entries = [asked.popleft() for _ in block]
            texts = [entry.request.text for entry in entries]
            found = self.reranker.rerank(texts, block) if self.reranker else block
            firsts = [translations[0] for translations in found]
            alignments = self._align(texts, firsts)
            answers = [
                Answer(next(line), entry.given, translations[: self.best], alignment)
                for translations, entry, alignment in zip(found, entries, alignments, strict=True)
            ]
            yield _Block(texts, firsts, [self.write(answer).encode("utf-8") + b"\n" for answer in answers])

    def _align(self, texts: Sequence[str], found: Sequence[Translation]) -> Sequence[list[tuple[int, int]] | None]:
        """The words that belong together in each line and its translation; None of each where nobody asked."""
        if self.aligner is None:
            return [None] * len(texts)
        return self.aligner.align([Aligned(text, one.text, one.pairs) for text, one in zip(texts, found, strict=True)])


def _aligner(translator: Translator, models: int) -> Aligner:
    if not isinstance(translator.bundle, Bundle):
        raise OptionsError(f"--alignments: found {models} models, wanted one, whose attention they are")
    return Aligner(
        translator.bundle,
        longest=translator.options.longest_input,
        language=translator.language,
        paragraphs=translator.paragraphs,
    )


_MORE = {"greedy": "--decode beam --beam-size", "sampling": "--samples", "mbr": "--samples"}
"""What makes a search keep more, where that is not --beam-size."""


def _more(strategy: Strategy, least: int) -> str:
    """What makes a search keep so many."""
    share = strategy.groups if isinstance(strategy, DiverseBeam) else 1  # whose width is a multiple of its groups
    return f"{_MORE.get(strategy.kind, '--beam-size')} {-(-least // share) * share} or more"


def _conversed(job: Job, translator: Translator) -> bool:
    """Hold a conversation where both ends are a terminal; else only say how to end what is typed."""
    if not job.quiet:
        _tell("type a line, then Enter; Ctrl-D ends" + "; :help tells what else" * job.prompted)
    if not job.prompted:
        return False
    bundle = translator.bundle
    converse(translator, _attention(bundle) if isinstance(bundle, Bundle) else None, job.source.always)
    return True


def _attention(bundle: Bundle) -> Attend:
    """Which source piece each target piece attends to most, for the prompt."""
    aligner = Aligner(bundle)

    def attend(source: Sequence[int], target: Sequence[int]) -> list[int]:
        [weights_TS] = aligner.weights([Part(source, target)])
        return weights_TS.argmax(1).tolist() if weights_TS.numel() else []

    return attend


def _tell(note: str) -> None:
    sys.stderr.write(f"nmtk: {note}\n")
