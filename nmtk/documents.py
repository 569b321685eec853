"""Documents: YAML 1.2 texts as plain mappings, read, written, and overridden by `key=value`."""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from nmtk.errors import OptionsError

Document: TypeAlias = dict[str, Any]
"""A YAML mapping as read: plain dicts, lists, strings, numbers, booleans and None."""
SHOWN = 60
"""Characters of a scalar that a message shows."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2 core schema: only true/false are booleans (`no` is Norwegian), `1e-4` is a float, no dates or sets."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0].rsplit(":", 1)[1] in ("null", "merge")]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_TRUTH = re.compile(r"(?:true|True|TRUE|false|False|FALSE)$")
_WHOLE = re.compile(r"[-+]?[0-9]+$")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or 1.2 would take for something else, so that any reader finds text again."""


for _end in (_Loader, _Dumper):
    _end.add_implicit_resolver("tag:yaml.org,2002:bool", _TRUTH, list("tTfF"))
    _end.add_implicit_resolver("tag:yaml.org,2002:int", _WHOLE, list("-+0123456789"))
    _end.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+.0123456789"))


def _mapping(loader: _Loader, node: yaml.Node) -> Document:
    if not isinstance(node, yaml.MappingNode):
        raise _unlike(node, "a mapping")
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


def _list(loader: _Loader, node: yaml.Node) -> list[Any]:
    if not isinstance(node, yaml.SequenceNode):
        raise _unlike(node, "a list")
    return loader.construct_sequence(node, deep=True)  # deep, so that a list in itself is found out


def _text(_loader: _Loader, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _unlike(node, "text")
    if half := re.search("[\ud800-\udfff]", node.value):  # no file or terminal could take it
        raise _unlike(node, f"text without U+{ord(half[0]):04X}, which is half a character")
    return str(node.value)


def _scalar(form: re.Pattern[str], value: Callable[[str], Any], wanted: str) -> Callable[[_Loader, yaml.Node], Any]:
    """What reads a scalar of a form, which a tag may have claimed for anything."""

    def read(_loader: _Loader, node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode) or not form.match(node.value):
            raise _unlike(node, wanted)
        try:
            return value(node.value)
        except ValueError:  # of Python's bound on digits
            raise _unlike(node, f"at most {sys.get_int_max_str_digits():,} digits") from None

    return read


def _unlike(node: yaml.Node, wanted: str) -> yaml.MarkedYAMLError:
    if isinstance(node, yaml.ScalarNode):
        found = ascii(node.value) if len(node.value) <= SHOWN else f"{len(node.value):,} characters"
    else:
        found = "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
    return yaml.MarkedYAMLError(None, None, f"found {found}, wanted {wanted}", node.start_mark)


def _unknown(_loader: _Loader, node: yaml.Node) -> Any:
    tag = node.tag.replace("tag:yaml.org,2002:", "!!")
    known = "!!str, !!int, !!float, !!bool, !!null, !!seq or !!map"
    raise yaml.MarkedYAMLError(None, None, f"found the tag {tag}, wanted none, or {known}", node.start_mark)


_Loader.yaml_constructors = {
    "tag:yaml.org,2002:map": _mapping,
    "tag:yaml.org,2002:seq": _list,
    "tag:yaml.org,2002:str": _text,
    "tag:yaml.org,2002:null": _scalar(re.compile("(?:~|null|Null|NULL|)$"), lambda _: None, "null"),
    "tag:yaml.org,2002:bool": _scalar(_TRUTH, lambda text: text.lower() == "true", "true or false"),
    "tag:yaml.org,2002:int": _scalar(_WHOLE, int, "a whole number"),  # 010 is ten, as in YAML 1.2
    "tag:yaml.org,2002:float": _scalar(_NUMBER, lambda text: float(re.sub(r"\.(?=[iInN])", "", text)), "a number"),
    None: _unknown,
}


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
    except RecursionError:
        raise OptionsError(f"{origin}: found lists or mappings in each other too deep to read, wanted a few") from None
    except (ValueError, OverflowError, LookupError) as error:  # as PyYAML's scanner has for \UFFFFFFFF
        raise OptionsError(f"{origin}: found what is no YAML ({error}), wanted YAML 1.2") from None


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
