"""Translator: lines of text in, lines of text out, one for one and in order."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch

from nmtk.decoding.alignment import Part
from nmtk.decoding.alternatives import Alternatives
from nmtk.decoding.batching import blocks, by_length, source_batch
from nmtk.decoding.crew import Crew
from nmtk.decoding.guard import looped
from nmtk.decoding.hypotheses import Hypothesis
from nmtk.decoding.loaded import Loaded
from nmtk.decoding.mbr import decide
from nmtk.decoding.memory import naming_the_batch
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.phrases import NEVER_IN_A_LINE, Phrases
from nmtk.decoding.required import requiring
from nmtk.decoding.rulebook import make_rules
from nmtk.decoding.search import NoTranslation, search
from nmtk.decoding.sentences import LineError, Request, Sentence
from nmtk.decoding.specials import Specials
from nmtk.decoding.splitting import split
from nmtk.decoding.strategies import Chooser, Draws, Mbr
from nmtk.devices import attention_kernels
from nmtk.errors import DataError, OptionsError

BUFFER = 1024
"""Lines read before the first is answered: enough to find neighbours of similar length."""

PARTS = 1 << 16
"""No line has more parts than this: what names a part by a number."""

WIDE = 8
"""The width from which on batches become smaller: so many samples of a sentence cost memory as sentences do."""


class Translation(NamedTuple):
    """One translation of a line. Where the line was split, its parts are joined: the numbers are sums over them."""

    text: str
    score: float
    """Log-probability over the length penalty's divisor; with MBR, the expected utility."""
    logp: float
    """Natural log-probability."""
    ids: list[int]
    """Target pieces, without `</s>`."""
    token_logps: list[float]
    """Log-probability of each piece, and of the `</s>` of each part."""
    parts: int
    """In how many parts the line was translated: 0 for an empty line, more than 1 for one that was split."""
    cut: bool
    """Whether a part reached the longest length allowed, and so may be unfinished."""
    looped: bool = False
    """Whether a part goes round in circles: the loop guard had to stop it, or would have done so."""
    unmet: bool = False
    """Whether a required phrase does not stand in the text."""
    breached: bool = False
    """Whether a forbidden phrase does: where two parts meet, of which neither holds it."""
    pairs: Sequence[Part] = ()
    """Source pieces and target pieces of each part, without `</s>`."""


_EMPTY = Translation("", 0.0, 0.0, [], [], parts=0, cut=False)


class Translator:
    """A model with its vocabularies and all that decides how it translates."""

    def __init__(self, bundle: Loaded, options: DecodingOptions, crew: Crew | None = None):
        """crew: whom texts are shared out to, with the same model and options; short ones only when it has started."""
        self.bundle = bundle
        self.crew = crew
        self.options = _within(bundle.model.longest, options)
        vocabulary = bundle.vocabularies.target
        self.specials = Specials.of(vocabulary, options.unknown)
        self.phrases = Phrases(vocabulary, options.unknown)
        self.paragraphs = options.split == "sentences"
        self.language = options.source_language or str(bundle.card.get("source", "en"))
        self.device = next(bundle.model.parameters()).device

    def translate(self, lines: Iterable[str | Request], buffer: int = BUFFER) -> Iterator[str]:
        """Yield one line for each line, in order, each `buffer` lines as soon as they are done.

        Without a crew of several, no more than `buffer` lines are taken before they are answered: 1 answers line by
        line. Lines that are empty, or only white space, are answered with an empty line. No answer contains a line's
        end.
        """
        for translations in self.candidates(lines, buffer):
            yield translations[0].text

    def translate_all(self, lines: Sequence[str | Request]) -> list[str]:
        """The translations of all lines."""
        return list(self.translate(lines))

    def candidates(
        self, lines: Iterable[str | Request], buffer: int = BUFFER, best: int = 1, first: int = 0
    ) -> Iterator[list[Translation]]:
        """Like `translate`, but for each line its `best` translations, best first, with their scores.

        There is always one; there are fewer than `best` where search found no more, or the same text again. The n-th
        best of a split line is made of the n-th best of its parts. `first` is the number of the first line, where they
        are part of a text: from it random numbers are drawn.
        """
        requests = (Request(line) if isinstance(line, str) else line for line in lines)
        waiting: deque[Callable[[], Iterator[list[Translation]]]] = deque()
        crew = None
        for block in blocks(enumerate(requests, first), buffer):
            if self.crew and (self.crew.started or len(block) == buffer):
                crew = self.crew
            waiting.append(self._begin_block(block, best, crew))
            ahead = crew.size // 4 + 1 if crew and crew.size > 1 else 0  # so that none of it waits for the next block
            while len(waiting) > ahead:
                yield from waiting.popleft()()
        while waiting:
            yield from waiting.popleft()()

    def search(self, sentences: Sequence[Sentence], best: int = 1) -> list[list[Hypothesis]]:
        """The best hypotheses for source sentences, in batches of similar length."""
        return self._begin(sentences, best, None)()

    def _begin(
        self, sentences: Sequence[Sentence], best: int, crew: Crew | None
    ) -> Callable[[], list[list[Hypothesis]]]:
        """Have the sentences translated, by the crew if there is one; what is returned waits for the results."""
        names = [self._name(sentence) for sentence in sentences]
        distinct = list(dict(zip(names, sentences, strict=True)).items())
        most = self.options.batch_tokens * WIDE // max(WIDE, self.options.strategy.width)
        batches = list(by_length([len(sentence.pieces) + 1 for _, sentence in distinct], most))
        given = [[distinct[place][1] for place in places] for places in batches]
        pending = [crew.submit(batch, best) if crew else partial(self.decide, batch, best) for batch in given]

        def finish() -> list[list[Hypothesis]]:
            found: dict[Hashable, list[Hypothesis]] = {}
            for places, wait in zip(batches, pending, strict=True):
                found |= {distinct[place][0]: result for place, result in zip(places, wait(), strict=True)}
            return [found[name] for name in names]

        return finish

    def _name(self, sentence: Sentence) -> Hashable:
        """Equal for sentences whose translations are: such are translated once. Random ones are each drawn anew."""
        if isinstance(self.options.strategy, Draws):
            return sentence.key
        return tuple(sentence.pieces), *sentence[2:]

    def alternatives(self, request: Request, count: int) -> list[Translation]:
        """The `count` most probable tokens after the request's prefix, each with the rest that is greedily best.

        They are whole translations, prefix and all, the best first; fewer where less can follow. Raises DataError for
        a line that is so long that it would be split, OptionsError for a count below 1.
        """
        if count < 1:
            raise OptionsError(f"count: found {count}, wanted 1 or more alternatives")
        (source, target), longest = self.bundle.vocabularies, self.options.longest_input
        [pieces] = source.encode([request.text])
        if len(pieces) > longest:
            raise DataError(f"a line of {len(pieces)} pieces: for alternatives, wanted {longest} at most")
        sentences = self._parts(0, request, pieces)
        if not sentences:
            return [_EMPTY]
        # The prefix as it stands: what follows is looked for behind it, not within its last word.
        sentence = sentences[0]._replace(prefix=tuple(target.encode([request.prefix])[0]), begun=b"")
        width = min(count, len(target))
        step_N = torch.tensor([len(sentence.prefix) + 1], device=self.device)
        [found] = self._search([sentence], width, Alternatives(width, step_N, self.options.strategy.penalty))
        return self._join(request, [(sentence, found)])

    def decide(self, batch: Sequence[Sentence], best: int) -> list[list[Hypothesis]]:
        """The best hypotheses for the sentences of one batch."""
        strategy = self.options.strategy
        if not isinstance(strategy, Mbr):
            return self._search(batch, best, strategy)
        decode = self.bundle.vocabularies.target.decode
        drawn = self._search(batch, max(best, strategy.samples), strategy)
        return [decide(samples, decode([one.ids for one in samples]), strategy.metric)[:best] for samples in drawn]

    def _search(self, batch: Sequence[Sentence], best: int, strategy: Chooser) -> list[list[Hypothesis]]:
        source, options = self.bundle.vocabularies.source, self.options
        source_BS, keep_BS = source_batch([one.pieces for one in batch], source.eos, source.pad, self.device)
        limits, keys = [*map(self._limit, batch)], [sentence.key for sentence in batch]
        rules = make_rules(options, batch, limits, self.specials.eos, self.phrases.spelling, self.device)
        try:
            strategy = requiring(strategy, [one.required for one in batch], self.specials.eos)
        except OptionsError as error:
            raise LineError(min(one.key for one in batch if one.required) // PARTS + 1, str(error)) from None
        given = self.bundle.model, source_BS, keep_BS, limits, strategy, self.specials
        remedies = f"a smaller batch_tokens than {options.batch_tokens:,}, fewer hypotheses than {strategy.width:,}"
        with attention_kernels(self.device), naming_the_batch(source_BS, f"{remedies}, or a shorter longest"):
            try:
                return search(*given, best, rules, keys)
            except NoTranslation as error:
                raise LineError(keys[error.place] // PARTS + 1, str(error)) from None

    def _begin_block(
        self, requests: Sequence[tuple[int, Request]], best: int, crew: Crew | None
    ) -> Callable[[], Iterator[list[Translation]]]:
        pieces = self.bundle.vocabularies.source.encode([request.text for _, request in requests])
        parts = [self._parts(*numbered, ids) for numbered, ids in zip(requests, pieces, strict=True)]
        sources = [sentence for line in parts for sentence in line]
        search = self._begin(sources, best, crew)

        def finish() -> Iterator[list[Translation]]:
            found = iter(zip(sources, search(), strict=True))
            for (_, request), line in zip(requests, parts, strict=True):
                yield self._join(request, [next(found) for _ in line])

        return finish

    def _limit(self, sentence: Sentence) -> int:
        """The longest translation of a sentence, `</s>` included: what is asked for comes on top."""
        limit = self.options.limit(len(sentence.pieces))
        asked = len(sentence.prefix) + len(sentence.begun) + sum(max(map(len, phrase)) for phrase in sentence.required)
        return min(limit + asked, self.options.longest)

    def _parts(self, number: int, request: Request, pieces: list[int]) -> list[Sentence]:
        """The sentences of a line: one as a rule, several if it is too long or a paragraph, none if it is empty.

        A prefix is that of the first; a required phrase belongs to the one whose source holds it, else to the longest.
        """
        if request.text.isspace():
            return []
        encode, longest, always = self.bundle.vocabularies.source.encode, self.options.longest_input, self.paragraphs
        whole = len(pieces) <= longest and not always
        parts = [pieces] if whole else split(request.text, encode, longest, self.language, always)
        sentences = [Sentence(ids, number * PARTS + part) for part, ids in enumerate(parts) if ids]
        if sentences and (request.prefix or request.required or request.forbidden):
            try:
                return self._asked(request, sentences)
            except DataError as error:
                raise LineError(number + 1, str(error)) from None
        return sentences

    def _asked(self, request: Request, sentences: list[Sentence]) -> list[Sentence]:
        wanted = self.phrases.read(request)
        pieces, most = len(wanted.prefix) + len(wanted.begun), self.options.longest - 1
        if pieces > most:
            raise DataError(f"the prefix takes {pieces} pieces: wanted at most {most}, which is all that may be said")
        sentences = [one._replace(forbidden=wanted.forbidden) for one in sentences]
        sentences[0] = sentences[0]._replace(prefix=wanted.prefix, begun=wanted.begun)
        texts = self.bundle.vocabularies.source.decode([one.pieces for one in sentences])
        longest = max(range(len(sentences)), key=lambda place: len(sentences[place].pieces))
        for phrase, spellings in zip(request.required, wanted.required, strict=True):
            place = next((place for place, text in enumerate(texts) if phrase in text), longest)
            required = (*sentences[place].required, spellings)
            sentences[place] = sentences[place]._replace(required=required)
        return sentences

    def _join(self, request: Request, parts: Sequence[tuple[Sentence, Sequence[Hypothesis]]]) -> list[Translation]:
        if not parts:
            return [_EMPTY._replace(unmet=bool(request.required))]
        found = [
            self._translation(request, [(source, hypotheses[rank]) for source, hypotheses in parts])
            for rank in range(min(len(hypotheses) for _, hypotheses in parts))
        ]
        if isinstance(self.options.strategy, Draws):  # what is drawn twice counts twice
            return found
        distinct: dict[str, Translation] = {}  # one text may have been found in other pieces, too
        for one in found:
            distinct.setdefault(one.text, one)
        return list(distinct.values())

    def _translation(self, request: Request, parts: Sequence[tuple[Sentence, Hypothesis]]) -> Translation:
        chosen = [hypothesis for _, hypothesis in parts]
        text = " ".join(self.bundle.vocabularies.target.decode([one.ids for one in chosen])).translate(NEVER_IN_A_LINE)
        return Translation(
            text=text,
            score=sum(hypothesis.score for hypothesis in chosen),
            logp=sum(hypothesis.logp for hypothesis in chosen),
            ids=[piece for hypothesis in chosen for piece in hypothesis.ids],
            token_logps=[logp for hypothesis in chosen for logp in hypothesis.token_logps],
            parts=len(parts),
            cut=any(len(one.token_logps) == self._limit(source) for source, one in parts),
            looped=any(looped(one.ids, source) for source, one in parts),
            unmet=any(self.phrases.text(phrase) not in text for phrase in request.required),
            breached=any(self.phrases.text(phrase) in text for phrase in request.forbidden),
            pairs=[Part(source.pieces, one.ids) for source, one in parts],
        )


def _within(longest: int | None, options: DecodingOptions) -> DecodingOptions:
    """The options of a model that knows so many positions on either side; None when there is no end to them."""
    if longest is None:
        return options
    lengths = {"longest": min(longest, options.longest), "longest_input": min(longest - 1, options.longest_input)}
    return options.model_copy(update=lengths)
