"""Input: what each line of a text, a TSV file or a JSON-lines file asks to be translated, and how.

A line of text is a sentence. A line of TSV has cells by the names of its columns, and no header, so that line i stays
line i. A line of JSON is an object. These columns and keys have a meaning; all others are handed on as they stand, so
that a number keeps its digits:

    text        what to translate; `source` means the same, where there is no text
    prefix      how the translation begins
    required    phrases that must stand in the translation: a list, in TSV parted by |||
    forbidden   phrases that must not
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from nmtk.decoding.sentences import Request
from nmtk.documents import Document
from nmtk.errors import DataError
from nmtk.lines import STANDARD, origin_of
from nmtk.options import nearest

Format: TypeAlias = Literal["text", "tsv", "jsonl"]

COLUMNS = ("text", "prefix")
"""Of a TSV file whose columns nobody has named."""

_ENDINGS: dict[str, Format] = {".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_COMPRESSED = {".gz", ".xz", ".bz2", ".zst"}
_PHRASES = ("required", "forbidden")
_BLANK = re.compile(r"[ \t\n\r]*")

Members: TypeAlias = dict[str, str]
"""Members of an object of JSON by their names: each as it is written, name and all."""


class Entry(NamedTuple):
    """A line of input: what it asks for, and all that stood in it."""

    request: Request
    given: Members


class Input(NamedTuple):
    """Where the input is, None for standard input, and how it is written."""

    path: Path | None = None
    format: Format = "text"
    columns: tuple[str, ...] | None = None
    """Of TSV; None: COLUMNS."""
    always: Request = Request("")
    """What is asked of all lines, beside what each asks for itself."""

    def fault(self) -> str | None:
        """Why there is no such input, in a line; None if there may be."""
        asked = {"--prefix": [self.always.prefix], "--require": self.always.required, "--forbid": self.always.forbidden}
        for flag, text in ((flag, text) for flag, texts in asked.items() for text in texts):
            if not text.strip() and flag != "--prefix":
                return f"{flag}: found empty text, wanted a phrase"
            if any("\ud800" <= character <= "\udfff" for character in text):  # what Python makes of other bytes
                return f"{flag}: found bytes that are no UTF-8, wanted text"
        if self.columns is None:
            return None
        if self.format != "tsv":
            return f"--columns are for TSV, and this input is {self.format}: wanted --input-format tsv"
        if twice := [name for name in self.columns if self.columns.count(name) > 1]:
            return f"--columns: found {twice[0]!r} twice, wanted each once"
        if "" in self.columns:
            return "--columns: found one without a name, wanted names parted by commas"
        if not {"text", "source"} & set(self.columns):
            return f"--columns: found no text among {', '.join(self.columns)}"
        return None

    def entries(self, lines: Iterable[str], first: int = 0) -> Iterator[Entry]:
        """What the lines ask for, one by one, the first of them the line of that number, counted from 0.

        Raises DataError with file, line, what was found and what was wanted.
        """
        parsers: dict[Format, Callable[[str], Entry]] = {
            "text": _from_text,
            "tsv": partial(_from_tsv, self.columns or COLUMNS),
            "jsonl": _from_json,
        }
        parse = parsers[self.format]
        for number, line in enumerate(lines, first + 1):
            try:
                entry = parse(line)
            except DataError as fault:
                raise DataError(f"{origin_of(self.path or STANDARD)}:{number}: {fault}") from None
            yield entry._replace(request=entry.request.beside(self.always))


def guess_format(path: Path | None) -> Format:
    """How a file is written, by its ending: .tsv, .jsonl or .ndjson, compressed or not; all else is text."""
    if path is not None and path.suffix in _COMPRESSED:
        path = path.with_suffix("")
    return _ENDINGS.get(path.suffix, "text") if path else "text"


def members(document: Document) -> Members:
    """The members of an object, as JSON writes them."""
    return {key: json.dumps({key: value}, ensure_ascii=False)[1:-1] for key, value in document.items()}


def _from_text(line: str) -> Entry:
    return Entry(Request(line), members({"text": line}))


def _from_tsv(columns: Sequence[str], line: str) -> Entry:
    cells = line.split("\t")
    least = 1 + columns.index("text" if "text" in columns else "source")
    if not least <= len(cells) <= len(columns):
        wanted = f"{least} to {len(columns)}" if least < len(columns) else str(least)
        raise DataError(
            f"found {len(cells)} {'cell' if len(cells) == 1 else 'cells'}, wanted {wanted}: {', '.join(columns)}"
        )
    given: Document = dict(zip(columns, cells, strict=False))  # cells that are left out at the end are empty
    for name in _PHRASES:
        if name in given:
            given[name] = [phrase for part in given[name].split("|||") if (phrase := part.strip())]
    return Entry(_request(given), members(given))


def _from_json(line: str) -> Entry:
    try:
        given = _JSON.decode(line)
        if not isinstance(given, dict):
            raise DataError(f'found {_kind(given)}, wanted an object, as {{"text": "..."}}')
        return Entry(_request(given), dict(_as_written(line)))
    except json.JSONDecodeError as error:
        raise DataError(f"no JSON at character {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"no JSON that can be read: {error}") from None


def _as_written(line: str) -> Iterator[tuple[str, str]]:
    """The members of a line that is known to be an object, by name."""

    def after_blank(place: int) -> int:
        found = _BLANK.match(line, place)
        assert found
        return found.end()

    at = after_blank(line.index("{") + 1)
    while line[at] != "}":
        name, end = _JSON.raw_decode(line, at)
        _, end = _JSON.raw_decode(line, after_blank(line.index(":", end) + 1))
        yield name, line[at:end]
        at = after_blank(end)
        if line[at] == ",":
            at = after_blank(at + 1)


def _request(given: Document) -> Request:
    name = "text" if "text" in given else "source"
    if name not in given:
        close = next((found for key in given if (found := nearest(key, ["text", "source"]))), "")
        raise DataError(f"found no text among {', '.join(given) or 'no keys'}{close}")
    for key in (name, "prefix"):
        if not isinstance(given.get(key, ""), str):
            raise DataError(f"{key}: found {_kind(given[key])}, wanted text")
        _check_text(key, given.get(key, ""))
    for key in _PHRASES:
        phrases = given.get(key, [])
        if not isinstance(phrases, list):
            raise DataError(f"{key}: found {_kind(phrases)}, wanted a list of phrases")
        if odd := [phrase for phrase in phrases if not isinstance(phrase, str) or not phrase.strip()]:
            raise DataError(f"{key}: found {_kind(odd[0])} in the list, wanted phrases")
        for phrase in phrases:
            _check_text(key, phrase)
    required, forbidden = (tuple(given.get(key, [])) for key in _PHRASES)
    return Request(given[name], given.get("prefix", ""), required, forbidden)


def _check_text(key: str, text: str) -> None:
    """What escapes of JSON can spell, but is no text."""
    if "\0" in text:
        raise DataError(f"{key}: found a NUL character, \\u0000: wanted text")
    if half := next((one for one in text if "\ud800" <= one <= "\udfff"), None):
        raise DataError(f"{key}: found \\u{ord(half):04x}, half of a surrogate pair: wanted Unicode text")


def _each_once(pairs: list[tuple[str, Any]]) -> Document:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"found the key {next(name for name in names if names.count(name) > 1)} twice, wanted it once")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"found {name}, wanted a number")


# Numbers are looked at for their kind alone, and an int of too many digits could not be read at all.
_JSON = json.JSONDecoder(parse_int=float, parse_constant=_no_constant, object_pairs_hook=_each_once)


def _kind(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    if value is None:
        return "null"
    return ("text" if value.strip() else "empty text") if isinstance(value, str) else names[type(value)]
