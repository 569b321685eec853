"""Markup: the lines of text in files that hold more than text."""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from nmtk.errors import DataError
from nmtk.files import atomic_write
from nmtk.lines import read_lines

Markup: TypeAlias = Literal["sgml", "iwslt"]

_SEGMENT = re.compile(r"<(/?)seg\b[^>]*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);")
_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_ABOUT = re.compile(r"\s*</?(doc|keywords|reviewer|speaker|talkid|transcript|translator|url)\b[^>]*>")
_HEADING = re.compile(r"</?(title|description)>")


def sgml_lines(path: Path) -> Iterator[str]:
    """The text of the `<seg>` elements, a line each, entities resolved: test sets of WMT, and IWSLT's in XML.

    Such files are seldom well-formed, so nothing else of them is looked at. A bare `&` or `<` is text. Raises
    DataError with the line when elements do not begin and end in turn, and when there is none.
    """
    held: list[str] | None = None
    none = True
    for number, line in enumerate(read_lines(path), 1):
        at = 0
        for tag in _SEGMENT.finditer(line):
            begins = not tag[1]
            if begins is (held is not None):
                raise DataError(f"{path}:{number}: found {tag[0]}, wanted {'</seg>' if begins else '<seg>'} before it")
            if held is not None:
                yield _text("".join([*held, line[at : tag.start()]]))
            held = [] if begins else None
            none = False
            at = tag.end()
        if held is not None:
            held.append(line[at:] + "\n")
    if held is not None:
        raise DataError(f"{path}: ends before the last <seg> does: wanted the whole file")
    if none:
        raise DataError(f"{path}: has no <seg>: wanted SGML or XML as WMT's and IWSLT's test sets are")


def iwslt_lines(path: Path) -> Iterator[str]:
    """The text of an IWSLT file `train.tags.*`: titles, descriptions and what was said, without their tags.

    Lines that tell of the talk (`<url>`, `<keywords>`, `<speaker>`, ...) are left out, on both sides the same ones.
    What is in other tags was said, and stays as it is; so do entities, as nothing is escaped there.
    """
    for line in read_lines(path):
        if not _ABOUT.match(line):
            yield _HEADING.sub("", line).strip(" \t")


LINES: Mapping[Markup, Callable[[Path], Iterator[str]]] = {"sgml": sgml_lines, "iwslt": iwslt_lines}


def write_unmarked(marked: Path, text: Path, markup: Markup) -> None:
    """Write the text of a file, whole or not at all. Raises DataError where it is not of that markup."""
    with atomic_write(text) as file:
        file.writelines(f"{line}\n".encode() for line in LINES[markup](marked))


def _text(marked: str) -> str:
    resolved = _ENTITY.sub(lambda entity: html.unescape(entity[0]), marked)
    return _SPACE.sub(" ", resolved).strip(" ")
