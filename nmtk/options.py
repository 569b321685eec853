"""Options: documents checked against classes: frozen, strict, compared between runs.

Every default stands in the class that names it. A key that no class knows is an error, with the nearest one that
is known.
"""

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from nmtk.documents import Document
from nmtk.errors import OptionsError

FREE = "free"
"""Mark of a field that may change when a run is resumed: `Annotated[int, FREE]`."""


class Options(BaseModel):
    """Base of all options: immutable, no unknown keys, no silent conversion between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)

    @classmethod
    def parse(cls, document: Any, origin: str) -> Self:
        """Check a document and build the options. `origin` (a file's name) begins every message.

        Raises OptionsError: one line with the key, what was found and what was wanted.
        """
        if not isinstance(document, Mapping):
            raise OptionsError(f"{origin}: found {_show(document)}, wanted a mapping")
        try:
            # JSON mode keeps strictness but lets a YAML list be a tuple.
            return cls.model_validate_json(json.dumps(_with_kinds(cls, document)))
        except ValidationError as error:
            raise OptionsError(f"{origin}: {_explain(error, cls)}") from None

    def document(self) -> Document:
        """The options as plain values, every default written out."""
        return self.model_dump(mode="json", by_alias=True)

    def minimal(self) -> Document:
        """The options as plain values, without the defaults; a choice always says its kind. `parse` reads it back."""
        short: Document = _keep_kinds(self, self.model_dump(mode="json", by_alias=True, exclude_defaults=True))
        return short


def _keep_kinds(value: Any, short: Any) -> Any:
    """What `value` was dumped to without defaults, with the kind of every choice in it put back."""
    if isinstance(value, Options):
        names = {field.alias or name: name for name, field in type(value).model_fields.items()}
        kept = {key: _keep_kinds(getattr(value, names[key]), inner) for key, inner in short.items()}
        return {"kind": kind} | kept if (kind := _tag(type(value))) else kept
    if isinstance(value, Mapping):
        return {key: _keep_kinds(value[key], inner) for key, inner in short.items()}
    if isinstance(value, list | tuple):
        return [_keep_kinds(one, inner) for one, inner in zip(value, short, strict=True)]
    return short


def _by_kind(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


def _with_kinds(cls: type[BaseModel], given: Mapping[str, Any]) -> Document:
    """The document, where a choice that only names settings of the default gets the default's kind.

    So `optimiser.rate=2e-3` is enough to change the rate of the optimiser that is used anyway.
    """
    filled = dict(given)
    for name, field in cls.model_fields.items():
        key = field.alias or name
        inner, default = filled.get(key), type(field.default)
        if not isinstance(inner, dict):
            continue
        of = get_args(field.annotation)[1] if get_origin(field.annotation) is dict else None
        if isinstance(of, type) and issubclass(of, BaseModel):
            filled[key] = {name: _with_kinds(of, one) if isinstance(one, dict) else one for name, one in inner.items()}
            continue
        if "kind" not in inner and inner and (tag := _tag(default)) and inner.keys() <= set(default.model_fields):
            inner = {"kind": tag} | inner
        arms = [arm for arm in _members(field.annotation) if isinstance(arm, type) and issubclass(arm, BaseModel)]
        chosen = [arm for arm in arms if _tag(arm) in (None, inner.get("kind"))]
        filled[key] = _with_kinds(chosen[0], inner) if len(chosen) == 1 else inner
    return filled


BY_KIND = BeforeValidator(_by_kind)
"""Lets a choice without settings be written as its name: `schedule: noam` is `schedule: {kind: noam}`."""

_SUFFIX = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def in_form(pattern: str, wanted: str) -> AfterValidator:
    """Lets text only be of a form: the whole of it matches the pattern, which messages say in words."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"found {_show(text)}, wanted {wanted}")
        return text

    return AfterValidator(check)


def _count(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)([kMG]?)", value)):
        number = float(match[1]) * _SUFFIX[match[2]]
        if number == int(number):
            return int(number)
    return value


def _seconds(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"(\d+(\.\d+)?(d|h|min|s))+", value):
        return sum(float(n) * _SECONDS[unit] for n, unit in re.findall(r"([\d.]+)(d|h|min|s)", value))
    return value


COUNT = BeforeValidator(_count)
"""Lets a whole number be written short: `100k`, `1.5M`, `2G`, `1e6`. It has no unit: the key says what is counted."""

SECONDS = BeforeValidator(_seconds)
"""Lets a time in seconds be written with units: `90s`, `45min`, `2h`, `1d12h`."""


class Change(NamedTuple):
    """One key whose value differs."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        old, new = _text(self.old), _text(self.new)
        if _cut(old) == _cut(new):
            same = next(place for place in range(len(old) + 1) if old[: place + 1] != new[: place + 1])
            old, new = ("..." + text[max(0, same - 20) :] for text in (old, new))
        return f"{self.key}: was {_cut(old)}, now {_cut(new)}"


def changes(old: Options, new: Options, prefix: str = "") -> Iterator[Change]:
    """The fields that differ between two options of one class, but for those marked FREE."""
    for name, field in type(old).model_fields.items():
        if FREE not in field.metadata:
            yield from _changes(getattr(old, name), getattr(new, name), prefix + name)


def _changes(old: Any, new: Any, key: str) -> Iterator[Change]:
    if isinstance(old, Options) and type(old) is type(new):
        yield from changes(old, new, key + ".")
    elif isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        for place, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _changes(before, after, f"{key}.{place}")
    elif isinstance(old, Mapping) and isinstance(new, Mapping) and old.keys() == new.keys():
        for name in old:
            yield from _changes(old[name], new[name], f"{key}.{name}")
    elif old != new:
        yield Change(key, old, new)


def nearest(word: str, known: Sequence[str]) -> str:
    """`; did you mean X?` for the known word that is nearest, else nothing."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _show(value: Any) -> str:
    return _cut(_text(value))


def _text(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=lambda v: v.minimal() if isinstance(v, Options) else str(v))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


_WANTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "finite_number": "a finite number",
}


def _explain(error: ValidationError, cls: type[BaseModel]) -> str:
    """The first fault in one line."""
    fault = error.errors(include_url=False)[0]
    keys = [str(part) for part, _, tag in _steps(cls, fault["loc"]) if not tag]
    if keys[-1:] == ["[key]"]:  # the fault is the key itself, which the message shows
        keys = keys[:-2]
    key, kind, context = ".".join(keys) or "top level", fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        known = _known_keys(cls, fault["loc"][:-1])
        close = nearest(keys[-1], known)
        return f"unknown key {key}{close or '; wanted one of ' + ', '.join(known)}"
    if kind == "missing":
        return f"{key} is missing"
    if kind == "union_tag_not_found":
        tags = [tag for member in _members(_place(cls, fault["loc"])) if (tag := _tag(member))]
        return f"{key}.kind is missing; wanted one of {', '.join(tags)}"
    if kind in ("union_tag_invalid", "literal_error", "enum"):
        found = context.get("tag", fault["input"])
        wanted = str(context.get("expected_tags") or context.get("expected", "")).replace("'", "").replace(" or ", ", ")
        close = nearest(str(found), wanted.split(", "))
        return f"{key}: found {_show(found)}, wanted one of {wanted}{close}"
    if kind == "value_error":
        return f"{key}: {context.get('error', fault['msg'])}" if keys else str(context.get("error", fault["msg"]))
    if kind in ("too_short", "too_long"):
        limit = context.get("min_length", context.get("max_length"))
        return f"{key}: found {_show(fault['input'])}, wanted at {'least' if kind == 'too_short' else 'most'} {limit}"
    wanted = _WANTED.get(kind) or fault["msg"].removeprefix("Input should be ").removeprefix("Value should be ")
    wanted = f"a number {wanted}" if kind.startswith(("greater_than", "less_than")) else wanted
    return f"{key}: found {_show(fault['input'])}, wanted {wanted}"


def _steps(cls: Any, location: Sequence[int | str]) -> Iterator[tuple[int | str, Any, bool]]:
    """Walk an error's location through the classes: (part, what it leads to, whether it is a union's tag)."""
    place: Any = cls
    for part in location:
        members = _members(place)
        if isinstance(place, type) and issubclass(place, BaseModel) and isinstance(part, str):
            named = {f.alias or n: f.annotation for n, f in place.model_fields.items()}
            place = named.get(part)
            yield part, place, False
        elif tagged := [m for m in members if _tag(m) == part]:
            place = tagged[0]
            yield part, place, True
        else:
            inner = [a for m in members for a in getattr(m, "__args__", ()) if a is not Ellipsis]
            place = inner[-1] if inner else None
            yield part, place, False


def _members(annotation: Any) -> list[Any]:
    """The types that an annotation may be: itself, or the arms of a union, unwrapped from Annotated."""
    annotation = getattr(annotation, "__value__", annotation)
    if hasattr(annotation, "__metadata__"):
        return _members(annotation.__origin__)
    if type(annotation).__name__ in ("UnionType", "_UnionGenericAlias", "Union"):
        return [m for arm in annotation.__args__ for m in _members(arm) if m is not type(None)]
    return [annotation]


def _tag(member: Any) -> str | None:
    """The one `kind` that a class stands for; None when it has none, or may be of several."""
    kind = getattr(member, "model_fields", {}).get("kind")
    tags = get_args(kind.annotation) if kind else ()
    return tags[0] if len(tags) == 1 else None


def _known_keys(cls: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    models = [m for m in _members(_place(cls, location)) if isinstance(m, type) and issubclass(m, BaseModel)]
    return [f.alias or n for m in models for n, f in m.model_fields.items()]


def _place(cls: type[BaseModel], location: Sequence[int | str]) -> Any:
    """The type that stands at an error's location."""
    return [cls, *(place for _, place, _ in _steps(cls, location))][-1]
