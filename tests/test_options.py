import re
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, PositiveInt, ValidationError

from nmtk.documents import parse_yaml, to_yaml
from nmtk.errors import OptionsError
from nmtk.options import BY_KIND, COUNT, FREE, SECONDS, Options, changes, in_form


class Noam(Options):
    kind: Literal["noam"] = "noam"
    warmup: PositiveInt = 4000


class Cosine(Options):
    kind: Literal["cosine"] = "cosine"
    floor: Annotated[float, Field(ge=0)] = 0.0


Schedule = Annotated[Noam | Cosine, Field(discriminator="kind"), BY_KIND]


class Inner(Options):
    width: int = 512
    schedule: Schedule = Noam()
    label: str | None = None


class Outer(Options):
    updates: Annotated[PositiveInt, COUNT] = 1000
    limit: Annotated[float, SECONDS] = 60.0
    norm: Literal["pre", "post"] = "post"
    shared: bool = True
    names: tuple[str, ...] = ()
    weights: dict[str, float] = Field(default={})
    inner: Inner = Inner()
    maybe: Inner | None = None
    schedule: Schedule = Noam()
    named: dict[str, Inner] = Field(default={})
    stages: Annotated[tuple[Schedule, ...], Field(max_length=3)] = ()
    log_every: Annotated[int, FREE] = 10


class Required(Options):
    path: Annotated[str, in_form(r"\w+", "a word")]
    words: dict[Annotated[str, in_form(r"\w+", "a word")], int] = Field(default={})
    schedule: Schedule


def parse(**document: Any) -> Outer:
    return Outer.parse(document, "recipe.yaml")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"update": 1}, "unknown key update; did you mean updates?"),
        ({"inner": {"widht": 1}}, "unknown key inner.widht; did you mean width?"),
        ({"maybe": {"lable": "x"}}, "unknown key maybe.lable; did you mean label?"),
        ({"inner": {"zzz": 1}}, "unknown key inner.zzz; wanted one of width, schedule, label"),
        ({"schedule": {"kind": "noam", "warmpu": 1}}, "unknown key schedule.warmpu; did you mean warmup?"),
        ({"schedule": {"kind": "cosine", "flor": 1}}, "unknown key schedule.flor; did you mean floor?"),
        (
            {"inner": {"schedule": {"kind": "cosine", "flor": 1}}},
            "unknown key inner.schedule.flor; did you mean floor?",
        ),
        ({"stages": [{"kind": "noam"}, {"kind": "noam", "wup": 1}]}, "unknown key stages.1.wup; did you mean warmup?"),
        # The other arm's key is no key of this one.
        ({"schedule": {"kind": "cosine", "warmup": 1}}, "unknown key schedule.warmup; wanted one of kind, floor"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known(document: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionsError) as error:
        parse(**document)
    assert str(error.value) == f"recipe.yaml: {message}"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"updates": "many"}, 'updates: found "many", wanted a whole number'),
        ({"updates": 1.5}, "updates: found 1.5, wanted a whole number"),
        ({"updates": True}, "updates: found true, wanted a whole number"),
        ({"updates": 0}, "updates: found 0, wanted a number greater than 0"),
        ({"limit": None}, "limit: found null, wanted a number"),
        ({"limit": "2hours"}, 'limit: found "2hours", wanted a number'),
        ({"limit": float("nan")}, "limit: found nan, wanted a finite number"),
        ({"shared": "yes"}, 'shared: found "yes", wanted true or false'),
        ({"shared": 1}, "shared: found 1, wanted true or false"),
        ({"names": "one"}, 'names: found "one", wanted a list'),
        ({"names": ["one", 2]}, "names.1: found 2, wanted text"),
        ({"weights": {"bleu": "x"}}, 'weights.bleu: found "x", wanted a number'),
        ({"inner": 3}, "inner: found 3, wanted a mapping"),
        ({"inner": {"width": "wide"}}, 'inner.width: found "wide", wanted a whole number'),
        ({"inner": {"label": 3}}, "inner.label: found 3, wanted text"),
        ({"norm": "prre"}, 'norm: found "prre", wanted one of pre, post; did you mean pre?'),
        ({"schedule": "cosin"}, 'schedule: found "cosin", wanted one of noam, cosine; did you mean cosine?'),
        ({"schedule": {"kind": "x"}}, 'schedule: found "x", wanted one of noam, cosine'),
        ({"schedule": {"floor": 1}}, "schedule.kind is missing; wanted one of noam, cosine"),
        ({"inner": {"schedule": {}}}, "inner.schedule.kind is missing; wanted one of noam, cosine"),
        (
            {"schedule": {"kind": "cosine", "floor": -1}},
            "schedule.floor: found -1, wanted a number greater than or equal to 0",
        ),
        ({"schedule": 3}, "schedule: found 3, wanted a mapping"),
        ({"stages": ["noam"] * 4}, 'stages: found ["noam", "noam", "noam", "noam"], wanted at most 3'),
    ],
)
def test_a_wrong_value_is_named_with_what_was_wanted(document: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionsError) as error:
        parse(**document)
    assert str(error.value) == f"recipe.yaml: {message}"


def test_a_choice_that_names_settings_of_the_default_is_of_the_defaults_kind() -> None:
    inner = {"schedule": {"warmup": 8}}
    options = parse(schedule={"warmup": 7}, inner=inner, maybe={"schedule": {"warmup": 9}}, named={"it": inner})
    assert options.schedule == Noam(warmup=7)
    assert options.inner.schedule == options.named["it"].schedule == Noam(warmup=8)
    assert options.maybe == Inner(schedule=Noam(warmup=9))
    with pytest.raises(OptionsError, match=r"schedule\.kind is missing"):
        Required.parse({"path": "x", "schedule": {"warmup": 7}}, "r.yaml")  # there is no default


def test_a_missing_key_is_named() -> None:
    with pytest.raises(OptionsError, match=r"^r\.yaml: path is missing$"):
        Required.parse({"schedule": "noam"}, "r.yaml")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"path": "a b"}, 'path: found "a b", wanted a word'),
        ({"path": "ab\n"}, 'path: found "ab\\n", wanted a word'),
        ({"path": "a", "words": {"b": 1, "c d": 2}}, 'words: found "c d", wanted a word'),
    ],
)
def test_text_and_keys_of_another_form_are_named_with_the_form_in_words(document: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionsError) as error:
        Required.parse({"schedule": "noam"} | document, "r.yaml")
    assert str(error.value) == f"r.yaml: {message}"


def test_a_long_value_is_cut_short_in_messages() -> None:
    with pytest.raises(OptionsError) as error:
        parse(updates="x" * 10_000)
    assert len(str(error.value)) < 150


def test_options_cannot_change() -> None:
    with pytest.raises(ValidationError):
        parse().updates = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("100k", 100_000),
        ("1.5M", 1_500_000),
        ("2G", 2 * 10**9),
        ("10", 10),
        (7, 7),
        (1e3, 1000),
    ],
)
def test_counts_may_be_short(written: str | float, value: int) -> None:
    assert parse(updates=written).updates == value


@pytest.mark.parametrize(
    "written", ["1.0001k", "k", "5ku", "3e", "20kt", "1kk", "-5k", "1 k", "5x", "", "0.5", 0.5, 1.5e-3]
)
def test_what_is_no_count_is_refused(written: str | float) -> None:
    with pytest.raises(OptionsError, match=r"updates: found .*, wanted a whole number"):
        parse(updates=written)


@pytest.mark.parametrize(
    ("written", "value"), [("90s", 90), ("45min", 2700), ("2h", 7200), ("1d12h", 129_600), ("1.5h", 5400), (30, 30)]
)
def test_times_may_have_units(written: str | int, value: float) -> None:
    assert parse(limit=written).limit == value


@pytest.mark.parametrize("written", ["2", "h", "2 h", "2m", "-2h", "1.2.3s"])
def test_what_is_no_time_is_refused(written: str) -> None:
    with pytest.raises(OptionsError, match=r"limit: found .*, wanted a number"):
        parse(limit=written)


def test_a_choice_may_be_its_name() -> None:
    assert parse(schedule="cosine") == parse(schedule={"kind": "cosine"})
    assert parse(stages=["noam", {"kind": "cosine", "floor": 1}]).stages == (Noam(), Cosine(floor=1.0))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"schedule": "cosine"},
        {"schedule": {"kind": "noam", "warmup": 1}},
        {"stages": ["cosine", "noam"], "weights": {"a": 1}, "names": ["x"]},
        {"maybe": {}, "inner": {"schedule": "cosine"}},
    ],
)
def test_what_is_written_out_reads_back_as_the_same(document: dict[str, Any]) -> None:
    options = parse(**document)
    for written in (options.document(), options.minimal()):
        assert Outer.parse(parse_yaml(to_yaml(written), "written"), "written") == options
    assert parse().minimal() == {}


def test_changes_names_each_key_that_may_not_change() -> None:
    old = parse()
    new = parse(log_every=99, updates=5, inner={"width": 1}, schedule="cosine", stages=["noam"], shared=True)
    assert [str(change) for change in changes(old, new)] == [
        "updates: was 1000, now 5",
        "inner.width: was 512, now 1",
        'schedule: was {"kind": "noam"}, now {"kind": "cosine"}',
        'stages: was [], now [{"kind": "noam"}]',
    ]
    assert list(changes(old, parse(log_every=99))) == []
    assert list(changes(new, new)) == []


def test_changes_within_lists_and_mappings_are_told_by_place_and_name() -> None:
    old = parse(stages=["cosine", "noam"], named={"a": {}, "b": {}}, names=["x", "y"])
    new = parse(stages=["cosine", {"kind": "noam", "warmup": 1}], named={"a": {}, "b": {"width": 9}}, names=["x", "z"])
    assert [str(change) for change in changes(old, new)] == [
        'names.1: was "y", now "z"',
        "named.b.width: was 512, now 9",
        "stages.1.warmup: was 4000, now 1",
    ]


def test_changes_that_begin_alike_are_told_from_where_they_differ() -> None:
    same = "a" * 100
    (change,) = changes(parse(names=[same]), parse(names=[same, "b"]))
    assert str(change) == f'names: was ...{"a" * 19}"], now ...{"a" * 19}", "b"]'


def test_changes_within_a_choice_are_told_by_key() -> None:
    (change,) = changes(parse(schedule={"kind": "noam", "warmup": 1}), parse(schedule="noam"))
    assert change == ("schedule.warmup", 1, 4000)


@pytest.mark.parametrize(("given", "shown"), [([1], "[1]"), (None, "null"), ("beam", '"beam"')])
def test_what_is_no_mapping_is_refused(given: Any, shown: str) -> None:
    with pytest.raises(OptionsError, match=re.escape(f"run.yaml: found {shown}, wanted a mapping")):
        Outer.parse(given, "run.yaml")
