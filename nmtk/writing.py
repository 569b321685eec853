"""Writing: what a word is to the eye, also in scripts that put no space between words."""

import re
import sys
import unicodedata
from functools import cache

SPACELESS = (
    "\u0e00-\u0fff"  # Thai, Lao, Tibetan
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u3005-\u3007\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff"  # Japanese kana, Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"  # Chinese characters
)
"""Characters of scripts that put no space between words, as ranges for a class of a regular expression."""


_SPACELESS = re.compile(f"[{SPACELESS}]+")


@cache
def word_pattern() -> re.Pattern[str]:
    """Finds the words of a line, and each sign between them by itself.

    A word is letters, digits and the marks upon them; in a script without spaces each character is one, with its marks.
    """
    marks = "".join(filter(_is_mark, map(chr, range(sys.maxunicode + 1))))
    return re.compile(rf"[{SPACELESS}][{marks}]*|(?:(?![{SPACELESS}])[\w{marks}])+|[^\w\s]")


def spaced(line: str) -> str:
    """A line with spaces around each word of a script that puts none."""
    return _SPACELESS.sub(lambda found: f" {' '.join(word_pattern().findall(found[0]))} ", line)


def is_spaced(letter: str) -> bool:
    """Whether a letter or digit is of a script that puts spaces between words."""
    return letter.isalnum() and not _SPACELESS.match(letter)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
