"""Recipe key `data.translate`: what it takes, what it writes out again, and how it is laid over a model's own way."""

from typing import Any

import pytest

from nmtk.decoding.options import DecodingOptions
from nmtk.documents import Document
from nmtk.errors import OptionsError
from nmtk.options import Options
from nmtk.recipe.data import DataOptions
from nmtk.recipe.made import MadeOptions

SIDES = {"source": "made.en", "target": "mono.de"}


def document(**changes: Any) -> Document:
    made = {"made.en": {"text": "mono.de", "by": "reverse.yaml"}}
    return {"source": "en", "target": "de", "translate": made, "train": [SIDES], "valid": SIDES} | changes


def made(decoding: Document) -> MadeOptions:
    return MadeOptions.parse({"text": "mono.de", "by": "reverse.yaml", "decoding": decoding}, "r")


def over(own: Document, asked: Document) -> Options:
    own_options = DecodingOptions.parse(own, "r")
    return DecodingOptions.parse(made(asked).over(own_options.document()), "r")


@pytest.mark.parametrize(
    ("own", "asked", "wanted"),
    [
        ({"strategy": "greedy"}, {}, {"strategy": "greedy"}),
        (
            {"strategy": "greedy", "longest": 99},
            {"unknown": True},
            {"strategy": "greedy", "longest": 99, "unknown": True},
        ),
        ({"strategy": "greedy"}, {"strategy": "sampling"}, {"strategy": {"kind": "sampling"}}),
        (
            {"strategy": {"kind": "beam", "width": 8, "stop": "exact"}},
            {"strategy": {"width": 2}},
            {"strategy": {"kind": "beam", "width": 2, "stop": "exact"}},
        ),
        (
            {"strategy": {"kind": "beam", "width": 8, "penalty": {"kind": "gnmt", "alpha": 0.9}}},
            {"strategy": {"kind": "beam", "penalty": "none"}},
            {"strategy": {"kind": "beam", "width": 8, "penalty": "none"}},
        ),
        ({"strategy": {"kind": "beam", "width": 8}}, {"strategy": {"kind": "sampling", "top_k": 10}}, None),
    ],
)
def test_only_what_is_said_counts_before_and_after_it_is_written_out(
    own: Document, asked: Document, wanted: Document | None
) -> None:
    assert over(own, asked) == DecodingOptions.parse(wanted or asked, "r")
    again = MadeOptions.parse(made(asked).document(), "r")
    assert again.document() == made(asked).document()
    assert DecodingOptions.parse(again.over(DecodingOptions.parse(own, "r").document()), "r") == over(own, asked)


def test_a_recipe_that_is_written_out_reads_back_the_same() -> None:
    data = DataOptions.parse(document(), "r")
    assert DataOptions.parse(data.document(), "r") == data
    assert data.document()["translate"]["made.en"]["decoding"] == {}


@pytest.mark.parametrize(
    ("translate", "message"),
    [
        ({"/made.en": {"text": "a", "by": "b"}}, "/made.en is made in the run's folder, so wanted a relative path"),
        ({"../made.en": {"text": "a", "by": "b"}}, "../made.en is made in the run's folder, so wanted a relative path"),
        ({"a.en": {"text": "a", "by": "b"}}, "a.en stands under files, too: wanted it in one of them"),
        ({"x": {"text": "x", "by": "b"}}, "x is made of x: wanted that one above it"),
        ({"x": {"text": "y", "by": "b"}, "y": {"text": "a", "by": "b"}}, "x is made of y: wanted that one above it"),
        ({"x": {"text": "a"}}, "translate.x.by is missing"),
        ({"x": {"text": "a", "by": "b", "decode": {}}}, "unknown key translate.x.decode; did you mean decoding?"),
        ({"x": {"text": "a", "by": "b", "decoding": {"strategy": "bean"}}}, "translate.x.decoding.strategy"),
        ({"both.tsv": {"text": "a", "by": "b"}}, "tsv: both.tsv is made by translate: wanted it as source or target"),
    ],
)
def test_a_text_that_cannot_be_made_is_told_with_its_key(translate: Document, message: str) -> None:
    changed = document(translate=translate, files={"a.en": {}}, test={"t": {"tsv": "both.tsv"}})
    with pytest.raises(OptionsError) as fault:
        DataOptions.parse(changed, "r")
    assert message in str(fault.value)
    assert "\n" not in str(fault.value)


def test_texts_may_be_made_of_texts_above_them() -> None:
    chain = {"x": {"text": "a", "by": "b"}, "y": {"text": "x", "by": "b"}}
    assert list(DataOptions.parse(document(translate=chain), "r").translate) == ["x", "y"]
