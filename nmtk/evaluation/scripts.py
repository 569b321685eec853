"""Scripts: what letters a text is written in."""

import re
from collections import Counter
from collections.abc import Sequence

from nmtk.data.doctor import profile

UNPARTED = frozenset({"cjk", "thai", "lao", "khmer", "myanmar", "tibetan"})
"""Those in which blanks do not part words."""

_LETTER = re.compile(r"[^\W\d_]")


def script(lines: Sequence[str]) -> str | None:
    """The script of most letters: `latin`, `cyrillic`, `cjk` for Chinese and Japanese; None if there is no such one."""
    characters: Counter[str] = Counter()
    for line in lines:
        characters.update(line)
    scripts: Counter[str] = Counter()
    for character, count in characters.items():
        if _LETTER.match(character):
            scripts[profile.script(character)] += count
    for name, count in scripts.most_common(1):
        if 2 * count > scripts.total():
            return name
    return None
