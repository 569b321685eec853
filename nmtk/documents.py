"""Documents: YAML 1.2 texts as plain mappings, read, written, and overridden by `key=value`."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from nmtk.errors import OptionsError

Document: TypeAlias = dict[str, Any]
"""A YAML mapping as read: plain dicts, lists, strings, numbers, booleans and None."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2 core schema: only true/false are booleans (`no` is Norwegian), `1e-4` is a float, no dates."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0].rsplit(":", 1)[1] in ("null", "merge")]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or 1.2 would take for something else, so that any reader finds text again."""


for _end in (_Loader, _Dumper):
    _end.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
    )
    _end.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))
    _end.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"),
        list("-+.0123456789"),
    )


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Document:
    seen: set[str] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key = loader.construct_object(key_node)
        if not isinstance(key, str):
            raise yaml.MarkedYAMLError(None, None, f"key {key!r} is not text: put it in quotes", key_node.start_mark)
        if key in seen:
            raise yaml.MarkedYAMLError(None, None, f"key {key!r} stands twice", key_node.start_mark)
        seen.add(key)
    loader.flatten_mapping(node)  # last: a key may stand in for the one that `<<` brings
    return {loader.construct_object(k): loader.construct_object(v, deep=True) for k, v in node.value}


def _whole(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(node.value)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _whole)  # 010 is ten, as in YAML 1.2


def parse_yaml(text: str, origin: str) -> Any:
    """The value of a YAML 1.2 text. Raises OptionsError with line and column."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{origin}:{mark.line + 1}:{mark.column + 1}" if mark else origin
        raise OptionsError(f"{where}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise OptionsError(f"{origin}: {' '.join(str(error).split())}") from None


def read_yaml(path: Path) -> Document:
    """The mapping in a YAML file. Raises OptionsError when the file is missing, unreadable or no mapping."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise OptionsError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise OptionsError(f"{path}: cannot be read: {error}") from None
    document = parse_yaml(text, str(path))
    if not isinstance(document, dict):
        raise OptionsError(f"{path}: found {_kind(document)}, wanted a mapping of keys to values")
    return document


def to_yaml(document: Mapping[str, Any]) -> str:
    """A document as YAML, keys in their order."""
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def override(document: Document, assignments: Sequence[str]) -> Document:
    """A copy of the document with `a.b.c=value` settings laid over it; values are read as YAML.

    In a list a key is a place, from 0: `data.train.0.weight=2`. Raises OptionsError for an assignment without `=`, one
    that goes through something that has no keys, or beyond the end of a list.
    """
    result: Document = json.loads(json.dumps(document))
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not path:
            raise OptionsError(f"{assignment!r}: wanted key=value, as in training.updates=1000")
        keys = path.split(".")
        if "" in keys:
            raise OptionsError(f"{assignment!r}: a key is empty, wanted keys parted by single dots")
        try:
            _lay(result, keys, parse_yaml(text, path))
        except LookupError as error:
            raise OptionsError(f"{assignment!r}: {error.args[0]}") from None
    return result


def _lay(inner: Any, keys: Sequence[str], value: Any, name: str = "") -> Any:
    """What a value is when another one is laid into it at the place that the keys lead to; `name` is its own key."""
    if not keys:
        return value
    key, *rest = keys
    if isinstance(inner, list):
        place = _place(inner, key, name)
        inner[place] = _lay(inner[place], rest, value, key)
        return inner
    if isinstance(inner, str):  # a choice written as its name
        inner = {"kind": inner}
    elif inner is None:
        inner = {}
    elif not isinstance(inner, dict):
        raise LookupError(f"{name} is {_kind(inner)}, which has no keys")
    inner[key] = _lay(inner.get(key), rest, value, key)
    return inner


def _place(elements: Sequence[Any], key: str, name: str) -> int:
    """Which element of a list is meant."""
    if not re.fullmatch("[0-9]+", key):
        raise LookupError(f"{name} is a list: found {key}, wanted the place of an element, as 0")
    count = len(elements)
    if int(key) >= count:
        has = f"{count or 'no'} element{'s' * (count != 1)}"
        wanted = ["", ", wanted 0", f", wanted 0 to {count - 1}"][min(count, 2)]
        raise LookupError(f"{name} has {has}: found {key}{wanted}")
    return int(key)


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "a mapping")
