"""Documents: what YAML is read as, and what is laid over it."""

from pathlib import Path
from typing import Any

import pytest

from nmtk.documents import override, parse_yaml, read_yaml, to_yaml
from nmtk.errors import OptionsError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"), ("yes", "yes"), ("y", "y"), ("true", True), ("False", False),
        ("trueish", "trueish"), ("Falsetto", "Falsetto"), ("1e-4", 0.0001), ("1E5", 100000.0), (".5", 0.5),
        ("-1.", -1.0), ("+3", 3), ("010", 10), ("0x10", "0x10"), ("1_000", "1_000"), ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"), ("~", None), ("null", None), ("", None), ("'5'", "5"), ("100k", "100k"),
        ("1e", "1e"), ("-", [None]), (".inf", float("inf")),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    found = parse_yaml(text, "x")
    assert found == value
    assert type(found) is type(value)


def test_merge_keys_are_laid_under_ones_own() -> None:
    text = "base: &base {width: 1, label: x}\nother: {<<: *base, width: 2}\n"
    assert parse_yaml(text, "x")["other"] == {"width": 2, "label": "x"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml:3:1: key 'a' stands twice"),
        ("x:\n  a: {b: 1, b: 2}", "f.yaml:2:13: key 'b' stands twice"),
        ("a: 1\n2: 3", "f.yaml:2:1: key 2 is not text: put it in quotes"),
        ("no: 1\ntrue: 2", "f.yaml:2:1: key True is not text: put it in quotes"),
        ("? [a]\n: 1", "f.yaml:1:3: key ['a'] is not text: put it in quotes"),
        ("a: b: c", "f.yaml:1:5: mapping values are not allowed here"),
        ("a: 1\n\tb: 2", "f.yaml:2:1: found character '\\t' that cannot start any token"),
        ("a: *x", "f.yaml:1:4: found undefined alias 'x'"),
        ("a: !!python/name:os.system", "f.yaml:1:4: found the tag !!python/name:os.system, wanted none, or !!str"),
        ("a: \x00", "f.yaml: unacceptable character #x0000"),
    ],
)
def test_bad_yaml_is_one_line_with_its_place(text: str, message: str) -> None:
    with pytest.raises(OptionsError) as error:
        parse_yaml(text, "f.yaml")
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("!!int abc", "f.yaml:1:4: found 'abc', wanted a whole number"),
        ("!!int [1]", "f.yaml:1:4: found a list, wanted a whole number"),
        ("!!float x", "f.yaml:1:4: found 'x', wanted a number"),
        ("!!bool foo", "f.yaml:1:4: found 'foo', wanted true or false"),
        ("!!null x", "f.yaml:1:4: found 'x', wanted null"),
        ("!!str {b: 1}", "f.yaml:1:4: found a mapping, wanted text"),
        ("!!seq x", "f.yaml:1:4: found 'x', wanted a list"),
        ("!!map x", "f.yaml:1:4: found 'x', wanted a mapping"),
        ("!!timestamp foo", "f.yaml:1:4: found the tag !!timestamp, wanted none, or !!str, !!int, !!float, !!bool, "),
        ("!!timestamp 2024-01-01", "f.yaml:1:4: found the tag !!timestamp, wanted none"),
        ("!!binary x", "f.yaml:1:4: found the tag !!binary, wanted none"),
        ("!!set {b}", "f.yaml:1:4: found the tag !!set, wanted none"),
        ("!!omap [b: 1]", "f.yaml:1:4: found the tag !!omap, wanted none"),
        ("!own x", "f.yaml:1:4: found the tag !own, wanted none"),
        ("1" * 5000, "f.yaml:1:4: found 5,000 characters, wanted at most 4,300 digits"),
        (r'"\ud800"', r"f.yaml:1:4: found '\ud800', wanted text without U+D800, which is half a character"),
        (r'{"\ud800": 1}', r"f.yaml:1:5: found '\ud800', wanted text without U+D800, which is half a character"),
        (r'"\Uffffffff"', "f.yaml: found what is no YAML ("),
        ("&b [*b]", "f.yaml:1:4: found unconstructable recursive node"),
        ("[" * 3000 + "]" * 3000, "f.yaml: found lists or mappings in each other too deep to read, wanted a few"),
    ],
)
def test_what_is_no_value_of_the_core_schema_is_one_line_too(value: str, message: str, tmp_path: Path) -> None:
    """Whatever a tag claims; in a file, and in an override."""
    (tmp_path / "f.yaml").write_text(f"a: {value}\n")
    with pytest.raises(OptionsError) as error:
        read_yaml(tmp_path / "f.yaml")
    assert str(error.value).startswith(f"{tmp_path}/{message}")
    with pytest.raises(OptionsError) as error:
        override({}, [f"a={value}"])
    assert str(error.value).startswith("a:")
    assert "\n" not in str(error.value)
    str(error.value).encode()


@pytest.mark.parametrize(
    ("text", "value"), [("!!str 5", "5"), ("!!float 1", 1.0), ("!!int 07", 7), ("!!float -.inf", float("-inf"))]
)
def test_a_tag_of_the_core_schema_is_heeded(text: str, value: Any) -> None:
    assert parse_yaml(text, "x") == value
    assert type(parse_yaml(text, "x")) is type(value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match=r"none\.yaml: no such file$"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(OptionsError, match=r"cannot be read"):
        read_yaml(tmp_path)
    (tmp_path / "latin").write_bytes(b"a: \xe9")
    with pytest.raises(OptionsError, match=r"latin: cannot be read: .*utf-8"):
        read_yaml(tmp_path / "latin")


@pytest.mark.parametrize(
    ("text", "found"), [("", "nothing"), ("- 1", "a list"), ("word", "text"), ("3", "a whole number")]
)
def test_a_file_that_is_no_mapping_is_refused(text: str, found: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text(text)
    with pytest.raises(OptionsError, match=f"f: found {found}, wanted a mapping of keys to values$"):
        read_yaml(tmp_path / "f")


def test_yaml_keeps_order_and_letters(tmp_path: Path) -> None:
    document = {
        "z": "Grüße",
        "a": ["no", "1e5", "08", "1_0", "~", "", "12:30", 1e-05, 1e16, -3, None, True],
        "norway": "no",
    }
    (tmp_path / "f").write_text(to_yaml(document), "utf-8")
    assert read_yaml(tmp_path / "f") == document
    assert list(read_yaml(tmp_path / "f")) == ["z", "a", "norway"]
    assert "Grüße" in to_yaml(document)


@pytest.mark.parametrize(
    ("assignment", "result"),
    [
        ("updates=1k", {"updates": "1k"}),
        ("inner.width=7", {"inner": {"label": "x", "width": 7}}),
        ("inner.schedule.floor=0.5", {"inner": {"label": "x", "schedule": {"floor": 0.5}}}),
        ("schedule.floor=1", {"schedule": {"kind": "cosine", "floor": 1}}),  # a choice written as its name
        ("schedule=noam", {"schedule": "noam"}),
        ("names=[a, b]", {"names": ["a", "b"]}),
        ("names=", {"names": None}),
        ("inner={width: 1}", {"inner": {"width": 1}}),
        ("label=a=b", {"label": "a=b"}),
    ],
)
def test_overrides_are_laid_over_a_copy(assignment: str, result: dict[str, Any]) -> None:
    document = {"inner": {"label": "x"}, "schedule": "cosine"}
    assert override(document, [assignment]) == document | result
    assert document == {"inner": {"label": "x"}, "schedule": "cosine"}


@pytest.mark.parametrize(
    ("assignment", "train"),
    [
        ("train.0.lines=1-5", [{"name": "a", "lines": "1-5"}, "b"]),
        ("train.1.lines=1-5", [{"name": "a"}, {"kind": "b", "lines": "1-5"}]),
        ("train.1={name: c}", [{"name": "a"}, {"name": "c"}]),
    ],
)
def test_a_number_is_a_place_in_a_list(assignment: str, train: list[Any]) -> None:
    """As messages name it, from 0."""
    assert override({"train": [{"name": "a"}, "b"]}, [assignment]) == {"train": train}


def test_the_last_override_counts() -> None:
    assert override({}, ["a.b=1", "a.b=2"]) == {"a": {"b": 2}}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("updates", "'updates': wanted key=value, as in training.updates=1000"),
        ("=1", "'=1': wanted key=value, as in training.updates=1000"),
        ("a..b=1", "'a..b=1': a key is empty, wanted keys parted by single dots"),
        ("a.=1", "'a.=1': a key is empty, wanted keys parted by single dots"),
        ("number.x=1", "'number.x=1': number is a whole number, which has no keys"),
        ("list.x=1", "'list.x=1': list is a list: found x, wanted the place of an element, as 0"),
        ("list.-1=1", "'list.-1=1': list is a list: found -1, wanted the place of an element, as 0"),
        ("list.2=1", "'list.2=1': list has 2 elements: found 2, wanted 0 to 1"),
        ("list.2.x=1", "'list.2.x=1': list has 2 elements: found 2, wanted 0 to 1"),
        ("one.1.x=1", "'one.1.x=1': one has 1 element: found 1, wanted 0"),
        ("none.0=1", "'none.0=1': none has no elements: found 0"),
        ("a=[1", "a:1:3: expected ',' or ']', but got '<stream end>'"),
    ],
)
def test_an_override_that_cannot_be_is_named(assignment: str, message: str) -> None:
    with pytest.raises(OptionsError) as error:
        override({"number": 3, "list": [1, 2], "one": [1], "none": []}, [assignment])
    assert str(error.value) == message
