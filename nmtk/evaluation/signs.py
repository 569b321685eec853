"""Signs: what single lines of text show when they are not the plain text that metrics are made for.

A text shows a sign when it is in more than a share of its lines. To add one, write its line in the group that says what
it tells of hypotheses and references (see `suspicions.py`, `references.py`).
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

from nmtk.data.doctor.encodings import misread
from nmtk.evaluation.metrics import Metric

NOTICEABLE = 0.2
"""The share of lines from which on a sign tells of the text that plain text shows now and then."""
UNHEARD_OF = 0.05
"""And a sign that plain text does not show at all; not every line need have what gives it away."""
ABBREVIATED = 8
"""Letters that a line in capitals may have, and be one of names and abbreviations."""

_LETTERS = re.compile(r"[^\W\d_]")
_TOKENS = re.compile(r"\S [.,](?: |$)| @-@ ")
_MARK_APART = re.compile(r"\S [.,?!;:](?: |$)")
_ENTITY = re.compile(r"&(?:[A-Za-z][a-z]+\d*|#\d+|#[xX][0-9A-Fa-f]+);")
_CASE = "restore the case, or ignore it: -lc for BLEU, --chrf-lowercase for chrF"


class Sign(NamedTuple):
    """What a line shows, what is said of texts with such lines, and the likely mend."""

    shows: Callable[[str], object]
    found: str
    mend: str
    noticeable: float = NOTICEABLE
    """By how much of all lines it must be more common than in text to which it is held."""
    scores: str = "wrong"
    """What the scores will be."""
    minds: Callable[[Metric], bool] | None = None
    """Whether it is anything to a metric; it is to all of them, if not given."""

    def wrong(self, metrics: Sequence[Metric]) -> str:
        """What is wrong because of it, by name; nothing where none of the metrics minds."""
        if self.minds is None or not metrics:
            return "the scores"
        return ", ".join(metric.kind for metric in metrics if self.minds(metric))

    def share(self, lines: Sequence[str]) -> float:
        """The share of lines that show it."""
        return sum(bool(self.shows(line)) for line in lines) / max(1, len(lines))


FORMATS = (
    Sign(
        re.compile(r"^[SHTDP]-\d+\t").search,
        "are lines of fairseq's (D-0, a score, the text)",
        "take the text alone, in order: grep ^D- OUT | sort -V | cut -f3",
    ),
    Sign(
        re.compile(r"^\d+ \|\|\| ").search,
        "are lines of an n-best list (0 ||| text ||| ...)",
        "take the text of each line's best translation alone",
    ),
    Sign(
        re.compile(r" \|\|\| (?:\d+-\d+ ?)+$").search,
        "end in an alignment (||| 0-0 1-2)",
        "cut it off, as with sed 's/ ||| .*//'",
    ),
    Sign(
        re.compile(r'^\s*(?:\{".*\}|\[".*\])\s*$').search, "are JSON", "take the text alone, as jq -r .translation does"
    ),
    Sign(re.compile(r"^\d+(?: \d+){2,}$").search, "are numbers, of pieces perhaps", "decode them first"),
    Sign(re.compile("\t").search, "have columns, parted by tabs", "take the text's column alone, as cut -f2 does"),
)
"""Not text at all: nothing else can then be said of it. The first that is found is told."""

TOKENS = Sign(
    _TOKENS.search,
    "look tokenised",
    "detokenise them first",
    minds=lambda metric: not (metric.takes_tokens or metric.ignores_blanks),
)

PIECES = (
    Sign(re.compile("▁").search, "look cut into SentencePiece pieces (▁)", "decode them first"),
    Sign(re.compile(r"@@( |$)").search, "look cut into BPE pieces (@@)", "join them first, as with sed 's/@@ //g'"),
    Sign(
        re.compile(r"\S ##[^\s#]").search,
        "look cut into WordPiece pieces (##)",
        "join them first, as with sed 's/ ##//g'",
    ),
    Sign(re.compile("Ġ").search, "look cut into pieces of bytes (Ġ)", "decode them first"),
    Sign(
        re.compile("</w>").search,
        "look cut into BPE pieces (</w>)",
        "join them first, as with sed 's/ //g; s/<.w>/ /g'",
    ),
    Sign(
        re.compile("￭").search,
        "look cut into pieces with joiners (￭)",
        "join them first, as with sed 's/ \\?￭ \\?//g'",
    ),
    Sign(
        lambda line: not unicodedata.is_normalized("NFC", line),
        "hold letters with their accents apart (NFD)",
        "bring both sides into one normal form, NFC",
    ),
)
"""Nothing is wrong where hypotheses and references show them alike; all is, where one side does, whichever it is."""

LEFTOVERS = (
    Sign(
        re.compile(
            r"</?s>|<(?:eos|bos|pad)>|\[(?:EOS|BOS|CLS|SEP|PAD)\]|<\|[a-z_]+\|>|<extra_id_\d+>"
            r"|^(?:__[a-z]{2,3}__|<2[a-z]{2,3}>|>>[a-z]{2,3}<<|[a-z]{2,3}_[A-Z][A-Za-z]{1,3})(?: |$)"
        ).search,
        "hold marks that are a model's alone (as </s>)",
        "delete them first",
        UNHEARD_OF,
    ),
    Sign(
        re.compile("<unk>|\\[UNK\\]|⁇").search,
        "hold what stands for an unknown piece (<unk>, ⁇)",
        "the vocabulary lacks what they should say",
        UNHEARD_OF,
        scores="low",
    ),
    Sign(
        lambda line: _ENTITY.search(line) and not (_TOKENS.search(line) or _MARK_APART.search(line)),
        "hold HTML entities (as &quot;)",
        "unescape them first, as Python's html.unescape does",
        UNHEARD_OF,
    ),
    Sign(
        misread,
        "hold UTF-8 that was read as another encoding (Ã¼ for ü)",
        "read it as UTF-8, or mend it as ftfy does",
        UNHEARD_OF,
    ),
    TOKENS,
)
"""They are wrong in hypotheses as in references, whatever the other side shows, but for metrics that take tokens."""

CASE = (
    Sign(
        lambda line: line == line.lower() and line != line.upper(),
        "look lower-cased",
        _CASE,
        minds=lambda metric: not metric.ignores_case,
    ),
    Sign(
        lambda line: line == line.upper() != line.lower() and len(_LETTERS.findall(line)) > ABBREVIATED,
        "look written in capitals",
        _CASE,
        minds=lambda metric: not metric.ignores_case,
    ),
)
"""Nothing is wrong where both sides show them alike, or to metrics that ignore case."""
