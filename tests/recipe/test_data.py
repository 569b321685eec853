"""The recipe's `data`: what it takes, and what it says of what it cannot take."""

from typing import Any

import pytest

from nmtk.data.pairs import Sieve
from nmtk.documents import Document
from nmtk.errors import OptionsError
from nmtk.recipe.data import DataOptions, TextOptions

HASH = "0" * 64


def document(**changes: Any) -> Document:
    sides = {"source": "a.en", "target": "a.de"}
    return {"source": "en", "target": "de", "train": [sides], "valid": sides} | changes


def test_what_is_not_said_has_a_default():
    data = DataOptions.parse(document(), "recipe.yaml")
    assert (data.files, data.test, data.generate) == ({}, {}, None)
    assert data.train[0].weight == 1.0
    assert data.held_out == "drop"


def test_one_url_is_a_list_of_one():
    one = document(files={"a.en": {"url": "https://example.org/a", "sha256": HASH}})
    several = document(files={"a.en": {"url": ["https://example.org/a", "http://example.org/b"], "sha256": HASH}})
    urls = [DataOptions.parse(given, "r").files["a.en"].document()["url"] for given in (one, several)]
    assert urls == [["https://example.org/a"], ["https://example.org/a", "http://example.org/b"]]


def test_a_document_written_out_reads_back_the_same():
    data = DataOptions.parse(
        document(
            files={"a.en": {"url": "https://example.org/a", "sha256": HASH}},
            generate="phrases",
            test={"news": {"tsv": "news.tsv", "columns": [2, 5], "lines": "10-"}},
        ),
        "r",
    )
    assert DataOptions.parse(data.document(), "r") == data


def test_corpora_are_named_by_their_place_unless_they_have_a_name():
    sides = {"source": "a.en", "target": "a.de"}
    data = DataOptions.parse(document(train=[sides, sides | {"name": "news"}, sides]), "r")
    assert data.names() == ["corpus1", "news", "corpus3"]


@pytest.mark.parametrize(
    ("lines", "span"),
    [(None, (1, None)), ("1-2000", (1, 2000)), ("2001-", (2001, None)), ("7-7", (7, 7)), ("every 7", (1, None))],
)
def test_a_span_of_lines_has_both_its_ends(lines: str | None, span: tuple[int, int | None]):
    given = {"lines": lines} if lines else {}
    assert TextOptions.parse({"tsv": "a.tsv", **given}, "r").span() == span


@pytest.mark.parametrize(
    ("lines", "sieve"),
    [(None, None), ("3-", None), ("every 23", Sieve(23)), ("not every 10", Sieve(10, others=True))],
)
def test_one_line_of_so_many_or_the_others_may_be_meant(lines: str | None, sieve: Sieve | None):
    given = {"lines": lines} if lines else {}
    assert TextOptions.parse({"tsv": "a.tsv", **given}, "r").sieve() == sieve


SIDES = {"source": "a.en", "target": "a.de"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": []}, "r: train: "),
        ({"source": "English"}, 'r: source: found "English", wanted a language\'s code, as en or pt-BR'),
        ({"valid": {"source": "a.en"}}, "r: valid: found source, wanted source and target, or tsv"),
        ({"valid": {}}, "r: valid: found none of them, wanted source and target, or tsv"),
        (
            {"valid": SIDES | {"tsv": "a.tsv"}},
            "r: valid: found source and target and tsv, wanted source and target, or tsv, not both",
        ),
        ({"valid": SIDES | {"columns": [1, 2]}}, "r: valid: found columns without tsv: only a TSV file has them"),
        (
            {"valid": SIDES | {"lines": "0-5"}},
            'r: valid.lines: found "0-5", wanted lines from 1, as 1-2000 or 2001-; or every',
        ),
        ({"valid": SIDES | {"lines": "5"}}, "r: valid.lines: "),
        ({"valid": SIDES | {"lines": "every 1"}}, "r: valid.lines: "),
        ({"valid": SIDES | {"lines": "every"}}, "r: valid.lines: "),
        ({"valid": SIDES | {"lines": "not 23"}}, "r: valid.lines: "),
        ({"valid": SIDES | {"lines": "9-5"}}, "r: valid: found lines 9-5, which end before they begin"),
        ({"valid": SIDES | {"targt": "x"}}, "r: unknown key valid.targt; did you mean target?"),
        (
            {"test": {"../news": SIDES}},
            'r: test: found "../news", wanted a name of letters, digits, and then also . _ and -',
        ),
        (
            {"train": [SIDES | {"name": "a"}, SIDES | {"name": "a"}]},
            "r: train: two corpora are named a, wanted a name each",
        ),
        ({"train": [SIDES | {"weight": 0}]}, "r: train.0.weight: "),
        (
            {"files": {"a.en": {"url": "https://example.org/a"}}},
            "r: files.a.en: url without sha256; wanted the hash too, since a fetched file is always checked",
        ),
        ({"files": {"a.en": {"sha256": "abc"}}}, "r: files.a.en.sha256: "),
        ({"files": {"a.en": {"url": "example.org/a", "sha256": HASH}}}, "r: files.a.en.url.0: "),
        (
            {"files": {"../a.en": {"url": "https://example.org/a", "sha256": HASH}}},
            "r: files: ../a.en has a url, so wanted a relative path without .., to cache it by",
        ),
        ({"generate": {"kind": "phrase"}}, 'r: generate.kind: found "phrase", wanted one of phrases'),
    ],
)
def test_a_fault_is_told_with_its_key(changes: Document, message: str):
    with pytest.raises(OptionsError) as fault:
        DataOptions.parse(document(**changes), "r")
    assert str(fault.value).startswith(message)
    assert "\n" not in str(fault.value)
