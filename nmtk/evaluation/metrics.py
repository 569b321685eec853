"""Metrics of translations: sacreBLEU's, each with its signature, so that any figure can be had again.

A metric is its options, and `measure` makes of them an object with sacreBLEU's own interface for metrics, so that its
significance tests can work on any. To add one, write its class and name it in `Metric` below (and in `names.py`);
recipes, the command line and the tests know it from there.
"""

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias, get_args

from pydantic import Field, NonNegativeFloat, model_validator
from sacrebleu.metrics.base import Metric as Measure
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER
from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS
from sacrebleu.utils import SACREBLEU_DIR

from nmtk.errors import DataError, OptionsError
from nmtk.evaluation.names import USUAL, Smoothing, Tokenizer
from nmtk.evaluation.scores import Interval, Score
from nmtk.languages import base_language
from nmtk.options import BY_KIND, Options, nearest

Lines: TypeAlias = Sequence[str]

TOKENIZERS: Mapping[str, Tokenizer] = {
    **dict.fromkeys(("zh", "zho", "cmn"), "zh"),
    **dict.fromkeys(("ja", "jpn"), "ja-mecab"),
    **dict.fromkeys(("ko", "kor"), "ko-mecab"),
}
"""What BLEU cuts words with by the language, as in sacreBLEU; of all others, and of one that is not known, `13a`."""
BLANKLESS = frozenset({"zh", "zho", "cmn", "ja", "jpn", "th", "lo", "km", "my", "bo"})
"""Languages whose words no blanks part."""


class Figure(Options):
    """What may be asked of every metric."""

    higher_is_better: ClassVar[bool] = True
    ignores_blanks: ClassVar[bool] = False
    """Whether tokens are the same to it as the text they were cut from."""

    @property
    def ignores_case(self) -> bool:
        """Whether upper and lower case are the same to it."""
        return False

    @property
    def takes_tokens(self) -> bool:
        """Whether it takes references as they are: words, and blanks between them."""
        return False

    def doubts(self) -> str:
        """What is to be told before its figure is believed, if anything."""
        return ""


class Bleu(Figure):
    """BLEU, up to 4-grams of words, over the whole corpus (Papineni et al. 2002; Post 2018). 0 to 100."""

    kind: Literal["bleu"] = "bleu"
    tokenize: Tokenizer | None = None
    """None: what the language needs (`in_language`)."""
    lowercase: bool = False
    smooth_method: Smoothing = "exp"
    smooth_value: NonNegativeFloat | None = None
    """Of `floor`, 0.1, and of `add-k`, 1, unless it is given."""

    @model_validator(mode="after")
    def _smoothed(self) -> Self:
        if self.smooth_value is not None and self.smooth_method not in ("floor", "add-k"):
            raise ValueError(f"smooth_value: found one for {self.smooth_method}, wanted smooth_method floor or add-k")
        return self

    @property
    def ignores_case(self) -> bool:
        """Whether it is told to."""
        return self.lowercase

    @property
    def takes_tokens(self) -> bool:
        """Whether it is told not to find words itself."""
        return self.tokenize == "none"

    def measure(self, references: Sequence[Lines], source: Lines | None = None) -> Measure:
        """The metric, as sacreBLEU's own object. Raises OptionsError where what the tokeniser needs is missing."""
        tokenize = self.tokenize or "13a"
        try:
            return BLEU(
                tokenize=tokenize,
                lowercase=self.lowercase,
                smooth_method=self.smooth_method,
                smooth_value=self.smooth_value,
                force=True,
                references=references,
            )
        except RuntimeError as error:  # sacreBLEU's way to ask for a package that is not installed
            raise OptionsError(f"bleu.tokenize: {tokenize} cannot be used: {' '.join(str(error).split())}") from None
        except (OSError, HTTPException, SystemExit) as error:  # its ways to end when it cannot fetch a model
            model = SPM_MODELS[tokenize]["url"]
            kept = Path(SACREBLEU_DIR) / "models" / Path(model).name
            raise OptionsError(
                f"bleu.tokenize: {tokenize}: its model cannot be fetched from {model}: "
                f"{getattr(error, 'reason', None) or error}: wanted it as {kept}, or another tokeniser"
            ) from None


class Chrf(Figure):
    """chrF2: F-score of character 6-grams, recall counting twice (Popović 2015, 2016). 0 to 100."""

    ignores_blanks: ClassVar[bool] = True

    kind: Literal["chrf"] = "chrf"
    lowercase: bool = False
    eps_smoothing: bool = False

    @property
    def ignores_case(self) -> bool:
        """Whether it is told to."""
        return self.lowercase

    def measure(self, references: Sequence[Lines], source: Lines | None = None) -> Measure:
        """The metric, as sacreBLEU's own object."""
        return CHRF(lowercase=self.lowercase, eps_smoothing=self.eps_smoothing, references=references)


class ChrfPlusPlus(Figure):
    """chrF2++: chrF2 with words and pairs of words beside the characters (Popović 2017). 0 to 100."""

    kind: Literal["chrf++"] = "chrf++"
    lowercase: bool = False
    eps_smoothing: bool = False

    @property
    def ignores_case(self) -> bool:
        """Whether it is told to."""
        return self.lowercase

    def measure(self, references: Sequence[Lines], source: Lines | None = None) -> Measure:
        """The metric, as sacreBLEU's own object."""
        settings = {"lowercase": self.lowercase, "eps_smoothing": self.eps_smoothing}
        return CHRF(word_order=2, **settings, references=references)


class Ter(Figure):
    """Translation edit rate: edits and shifts of words per word of the reference (Snover et al. 2006). 0 is best."""

    higher_is_better: ClassVar[bool] = False

    kind: Literal["ter"] = "ter"
    normalized: bool = False
    no_punct: bool = False
    asian_support: bool = False
    """Whether these two know the marks of Chinese and Japanese, and the first makes a word of each character."""
    case_sensitive: bool = False

    @property
    def ignores_case(self) -> bool:
        """Unless it is told otherwise."""
        return not self.case_sensitive

    def measure(self, references: Sequence[Lines], source: Lines | None = None) -> Measure:
        """The metric, as sacreBLEU's own object."""
        return TER(
            normalized=self.normalized,
            no_punct=self.no_punct,
            asian_support=self.asian_support,
            case_sensitive=self.case_sensitive,
            references=references,
        )


class OfMoses(Figure):
    """What metrics of Moses' tokens share."""

    language: str = "de"
    """Whose abbreviations and quotation marks Moses knows."""

    def doubts(self) -> str:
        """Whether the language is told, and Moses knows it."""
        from nmtk.evaluation.moses import has_rules

        kind = type(self).model_fields["kind"].default
        if self.language in BLANKLESS:
            return f"{kind}: Moses finds no words in {self.language}, where no blanks part them: wanted bleu"
        if "language" not in self.model_fields_set:
            return f"{kind}: the language is not told, and taken for German: wanted -l, as en-de"
        return (
            "" if has_rules(self.language) else f"{kind}: Moses has no rules for {self.language}, and takes English's"
        )


class CompoundBleu(OfMoses):
    """BLEU of Moses' tokens, compounds split at their hyphens: what papers on WMT14 English-German report.

    Vaswani et al. (2017) and most after them (see `moses.py`). It is above sacreBLEU's figure for the same text, by
    half a point or so, and is comparable to none of those.
    """

    kind: Literal["compound-bleu"] = "compound-bleu"

    def measure(self, references: Sequence[Lines], source: Lines | None = None) -> Measure:
        """The metric, with sacreBLEU's interface. Raises OptionsError when sacremoses is not installed."""
        from nmtk.evaluation.moses import CompoundTokens, MultiBleu

        return MultiBleu("compound-BLEU", CompoundTokens(self.language), references)


class TokenisedBleu(OfMoses):
    """BLEU of lower-cased text in Moses' tokens, punctuation normalised: what papers on Multi30k report.

    See `moses.py`. It is comparable with no figure of sacreBLEU's, whose nearest is that with `lowercase: true`.
    """

    kind: Literal["tokenised-bleu"] = "tokenised-bleu"
    lowercase: bool = True
    reference: Literal["raw", "tokenised"] = "raw"
    """Tokenised ones, as they come with Multi30k, are only lower-cased; raw ones go the way of the translations."""

    @property
    def ignores_case(self) -> bool:
        """Whether it is told to."""
        return self.lowercase

    @property
    def takes_tokens(self) -> bool:
        """Whether its references are told to be tokenised."""
        return self.reference == "tokenised"

    def measure(self, references: Sequence[Lines], source: Lines | None = None) -> Measure:
        """The metric, with sacreBLEU's interface. Raises OptionsError when sacremoses is not installed."""
        from nmtk.evaluation.moses import MultiBleu, NormalisedTokens

        tokens, tokenised = NormalisedTokens(self.language), self.reference == "tokenised"
        return MultiBleu("tokenised-BLEU", tokens, references, self.lowercase, tokenised)


class Comet(Figure):
    """COMET: a neural model's judgement of source, translation and reference together (Rei et al. 2020, 2022)."""

    kind: Literal["comet"] = "comet"
    model: str = "Unbabel/wmt22-comet-da"
    """Its name on the Hugging Face hub, or the file of a checkpoint."""

    def measure(self, references: Sequence[Lines], source: Lines | None = None) -> Measure:
        """The metric, with sacreBLEU's interface. Raises OptionsError without the source, or when not installed."""
        from nmtk.evaluation.comet import CometMeasure

        return CometMeasure(self.model, references, source)


Metric: TypeAlias = Annotated[
    Bleu | Chrf | ChrfPlusPlus | Ter | CompoundBleu | TokenisedBleu | Comet, Field(discriminator="kind"), BY_KIND
]

METRICS: Mapping[str, type[Bleu | Chrf | ChrfPlusPlus | Ter | CompoundBleu | TokenisedBleu | Comet]] = {
    member.model_fields["kind"].default: member for member in get_args(get_args(Metric)[0])
}
"""Every metric's class by its name."""

Text: TypeAlias = tuple[str, Sequence[str]]
"""A text's name, for messages, and its lines."""


def metric_named(name: str, **settings: Any) -> Metric:
    """The metric of that name, with its usual settings but for those that are given.

    Raises OptionsError for an unknown name, with the nearest.
    """
    if name not in METRICS:
        close = nearest(name, list(METRICS))
        raise OptionsError(f"metric: found {name!r}, wanted one of {', '.join(METRICS)}{close}")
    return METRICS[name](**settings)


def in_language(metric: Metric, language: str) -> Metric:
    """The metric for text in a language, as `pt` or `pt-BR`, in all that it minds of it and was not told otherwise.

    Whatever scores text goes through here, so that a figure is the same everywhere. The empty language is not known.
    """
    if not language:
        return metric
    code = base_language(language)
    wanted = {"language": code, "tokenize": TOKENIZERS.get(code, "13a")}
    told = {name for name in metric.model_fields_set if getattr(metric, name) is not None}
    return metric.model_copy(update={name: wanted[name] for name in (wanted.keys() & type(metric).model_fields) - told})


def evaluate(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    metrics: Sequence[Metric | str] = USUAL,
    source: Sequence[str] | None = None,
    resamples: int = 0,
) -> list[Score]:
    """Score translations against one or several streams of references; the scores come in the order of `metrics`.

    Text is plain and detokenised; line i of each reference belongs to hypothesis i. A metric can be given by its name.
    Some need the source too. With bootstrap resamples, 1000 as a rule, each score has its interval; they are drawn by
    the environment's SACREBLEU_SEED. Raises DataError when there is nothing to score, or the numbers of lines differ.
    """
    check_lengths(
        ("the hypotheses", hypotheses), *((f"reference {i}", lines) for i, lines in enumerate(references, start=1))
    )
    return [
        score(chosen, chosen.measure(references, source), hypotheses, resamples)
        for chosen in (metric_named(metric) if isinstance(metric, str) else metric for metric in metrics)
    ]


def score(metric: Metric, measure: Measure, hypotheses: Sequence[str], resamples: int = 0) -> Score:
    """The score of a text by a metric's own `measure`, made for its references."""
    found = measure.corpus_score(hypotheses, None, n_bootstrap=resamples or 1)
    shown = json.loads(found.format(signature=measure.get_signature().format(), is_json=True))
    interval = Interval(found._mean, found._ci) if resamples else None
    detail = shown.get("verbose_score", "")
    return Score(found.name, found.score, shown["signature"], detail, metric.higher_is_better, interval)


def check_lengths(hypotheses: Text, *references: Text) -> None:
    """Raise DataError, with names and counts, unless all texts have equally many lines, and one at least."""
    name, lines = hypotheses
    if not references:
        raise DataError(f"{name}: no reference to score against")
    for other, wanted in references:
        if len(lines) != len(wanted):
            raise DataError(
                f"{name} has {_lines(lines)}, but {other} has {_lines(wanted)}: "
                "wanted line i of the one to translate what line i of the other does"
            )
    if not lines:
        raise DataError(f"{name}: no lines, wanted at least one translation")


def _lines(text: Sequence[str]) -> str:
    return "1 line" if len(text) == 1 else f"{len(text):,} lines"
