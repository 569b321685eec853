import json
import re
from pathlib import Path
from typing import Any

import pytest

from nmtk.decoding.sentences import Request
from nmtk.errors import DataError
from nmtk.lines import read_lines
from nmtk.translation.inputs import Entry, Format, Input, guess_format, members


def read(path: Path, text: str, format: Format, columns: tuple[str, ...] | None = None) -> list[Entry]:
    path.write_text(text, "utf-8")
    return list(Input(path, format, columns).entries(read_lines(path)))


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.txt", "text"),
        ("a", "text"),
        ("a.gz", "text"),
        ("a.tsv", "tsv"),
        ("a.tsv.zst", "tsv"),
        ("a.jsonl", "jsonl"),
        ("a.ndjson.xz", "jsonl"),
        ("tsv", "text"),
        ("-", "text"),
    ],
)
def test_an_ending_says_how_a_file_is_written(name: str, format: Format) -> None:
    assert guess_format(Path(name)) == format
    assert guess_format(None) == "text"


def test_text_is_a_sentence_a_line_tabs_and_all(tmp_path: Path) -> None:
    entries = read(tmp_path / "a", "A dog.\tRuns.\n\n{}\n", "text")
    assert [entry.request for entry in entries] == [Request("A dog.\tRuns."), Request(""), Request("{}")]


def test_tsv_has_cells_by_the_names_of_its_columns(tmp_path: Path) -> None:
    assert [entry.request for entry in read(tmp_path / "a", "Dog.\tDer\nCat.\n\tx\n\n", "tsv")] == [
        Request("Dog.", "Der"),
        Request("Cat."),
        Request("", "x"),
        Request(""),
    ]
    columns = ("id", "text", "required", "forbidden")
    [one, other] = read(tmp_path / "a", "7\tDog.\tder Hund ||| lief\tKatze\n8\tCat.\n", "tsv", columns)
    assert one.request == Request("Dog.", "", ("der Hund", "lief"), ("Katze",))
    assert one.given == members({"id": "7", "text": "Dog.", "required": ["der Hund", "lief"], "forbidden": ["Katze"]})
    assert other == Entry(Request("Cat."), {"id": '"id": "8"', "text": '"text": "Cat."'})


def test_json_asks_by_its_keys_and_all_others_are_handed_on(tmp_path: Path) -> None:
    text = (
        '{"text": "Dog.", "prefix": "Der", "required": ["lief"], "forbidden": ["Katze", "Maus"], "n": [1, {"m": 2}]}\n'
        '{"source": "Cat."}\n{"text": "Bird.", "source": "a book"}\n{"text": "\\u00e4\\n\\ud83d\\ude00"}\n'
    )
    entries = read(tmp_path / "a", text, "jsonl")
    assert [entry.request for entry in entries] == [
        Request("Dog.", "Der", ("lief",), ("Katze", "Maus")),
        Request("Cat."),
        Request("Bird."),
        Request("ä\n\U0001f600"),
    ]
    assert entries[0].given["n"] == '"n": [1, {"m": 2}]'
    assert entries[2].given["source"] == '"source": "a book"'


@pytest.mark.parametrize(
    "member",
    [
        '"n":1e999',
        '"n" : 12345678901234567890.123456789012345678',
        '"n": -0',
        '"n": 1.10',
        f'"n": {"7" * 5000}',
        '"n":\t[ ]',
        '"a:b,{\\"}": {"c": "}, \\u00e4\\ud800\\u0000"}',
    ],
)
@pytest.mark.parametrize("form", ['{%s, "text": "a"}', ' {\t"text": "a" ,%s } '])
def test_what_is_handed_on_is_handed_on_as_it_is_written(tmp_path: Path, member: str, form: str) -> None:
    [entry] = read(tmp_path / "a", form % member, "jsonl")
    assert sorted(entry.given.values()) == sorted([member, '"text": "a"'])
    assert [*entry.given] == [*json.loads(form % member.replace("7" * 5000, "7"))]


@pytest.mark.parametrize(
    ("format", "columns", "line", "said"),
    [
        ("tsv", None, "a\tb\tc", "found 3 cells, wanted 1 to 2: text, prefix"),
        ("tsv", ("id", "text"), "a", "found 1 cell, wanted 2: id, text"),
        ("jsonl", None, "", "no JSON at character 1: Expecting value"),
        ("jsonl", None, '{"text": "a",}', "no JSON at character 14: "),
        ("jsonl", None, '["a"]', 'found a list, wanted an object, as {"text": "..."}'),
        ("jsonl", None, "7", "found a number, wanted an object"),
        ("jsonl", None, "{}", "found no text among no keys"),
        ("jsonl", None, '{"id": 1, "txt": "a"}', "found no text among id, txt; did you mean text?"),
        ("jsonl", None, '{"text": null}', "text: found null, wanted text"),
        ("jsonl", None, '{"source": ["a"]}', "source: found a list, wanted text"),
        ("jsonl", None, '{"text": "a", "prefix": 3}', "prefix: found a number, wanted text"),
        ("jsonl", None, '{"text": "a", "required": "b"}', "required: found text, wanted a list of phrases"),
        (
            "jsonl",
            None,
            '{"text": "a", "forbidden": ["b", 1]}',
            "forbidden: found a number in the list, wanted phrases",
        ),
        ("jsonl", None, '{"text": "a", "forbidden": [" "]}', "forbidden: found empty text in the list, wanted phrases"),
        ("jsonl", None, '{"text": "a", "n": NaN}', "no JSON that can be read: found NaN, wanted a number"),
        ("jsonl", None, '{"text": "\\ud800"}', "text: found \\ud800, half of a surrogate pair: wanted Unicode text"),
        ("jsonl", None, '{"text": "a\\u0000b"}', "text: found a NUL character, \\u0000: wanted text"),
        ("jsonl", None, '{"text": "", "prefix": "\\u0000"}', "prefix: found a NUL character, \\u0000: wanted text"),
        (
            "jsonl",
            None,
            '{"text": "", "required": ["\\u0000"]}',
            "required: found a NUL character, \\u0000: wanted text",
        ),
        (
            "jsonl",
            None,
            '{"text": "a", "n": 1, "text": "b"}',
            "no JSON that can be read: found the key text twice, wanted",
        ),
        (
            "jsonl",
            None,
            '{"text": "a", "n": {"m": 1, "m": 1}}',
            "no JSON that can be read: found the key m twice, wanted",
        ),
        ("jsonl", None, "[" * 100_000, "no JSON that can be read: maximum recursion depth exceeded"),
    ],
)
def test_a_bad_line_is_named_with_what_was_found_and_wanted(
    tmp_path: Path, format: Format, columns: Any, line: str, said: str
) -> None:
    good = {"tsv": "a\tb", "jsonl": '{"text": "a"}'}[format]
    path = tmp_path / "in"
    with pytest.raises(DataError, match="^" + re.escape(f"{path}:2: {said}")):
        read(path, f"{good}\n{line}\n", format, columns)


def test_no_line_is_read_before_the_one_before_it_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"text": "a"}\nno JSON\n')
    entries = Input(tmp_path / "a", "jsonl").entries(read_lines(tmp_path / "a"))
    assert next(entries).request.text == "a"
    with pytest.raises(DataError):
        next(entries)
