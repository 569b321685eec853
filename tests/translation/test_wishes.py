import json
from typing import Any, get_args

import pytest

from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.strategies import Strategy
from nmtk.translation.wishes import PLACES, SEARCHES, Wishes

KINDS = {arm.model_fields["kind"].default: arm for arm in get_args(get_args(Strategy)[0])}


@pytest.mark.parametrize(
    ("own", "wishes", "strategy"),
    [
        ({}, Wishes(), {"kind": "beam"}),
        ({"strategy": "greedy"}, Wishes(), {"kind": "greedy"}),
        ({"strategy": "greedy"}, Wishes(beam_size=7), {"kind": "beam", "width": 7}),
        ({"strategy": "greedy"}, Wishes(decode="beam"), {"kind": "beam"}),
        ({"strategy": {"kind": "beam", "width": 9}}, Wishes(decode="greedy"), {"kind": "greedy"}),
        (
            {"strategy": {"kind": "beam", "width": 9, "penalty": "average", "stop": "exact"}},
            Wishes(alpha=0.5),
            {"kind": "beam", "width": 9, "penalty": {"kind": "average", "alpha": 0.5}, "stop": "exact"},
        ),
        (
            {"strategy": {"kind": "beam", "width": 9, "penalty": {"kind": "gnmt", "alpha": 1.5}}},
            Wishes(length_penalty="gnmt"),
            {"kind": "beam", "width": 9, "penalty": {"kind": "gnmt", "alpha": 1.5}},
        ),
        ({}, Wishes(length_penalty="none"), {"kind": "beam", "penalty": "none"}),
        ({}, Wishes(alpha=0.0), {"kind": "beam", "penalty": {"kind": "gnmt", "alpha": 0.0}}),
    ],
)
def test_what_is_not_asked_for_stays_as_the_model_has_it(
    own: dict[str, Any], wishes: Wishes, strategy: dict[str, Any]
) -> None:
    own = DecodingOptions.parse(own, "own").document()
    found = wishes.over(json.loads(json.dumps(own)))
    assert DecodingOptions.parse(found, "found") == DecodingOptions.parse({"strategy": strategy}, "wanted")


def test_wishes_leave_the_models_own_options_untouched() -> None:
    own = DecodingOptions().document()
    before = json.dumps(own)
    Wishes("greedy", alpha=None).over(own)
    Wishes(beam_size=9, alpha=0.1, max_ratio=3.0).over(own)
    assert json.dumps(own) == before


@pytest.mark.parametrize(
    ("own", "wishes", "kind"),
    [
        ("beam", Wishes(samples=3), "sampling"),
        ("mbr", Wishes(samples=3), "mbr"),
        ("beam", Wishes(metric="bleu", samples=3), "mbr"),
        ("beam", Wishes(groups=2), "diverse-beam"),
        ("diverse-beam", Wishes(beam_size=2), "diverse-beam"),
        ("sampling", Wishes(beam_size=2), "beam"),
        ("sampling", Wishes(max_ratio=1.0), "sampling"),
        ("greedy", Wishes("mbr", samples=2), "mbr"),
    ],
)
def test_who_asks_for_what_only_some_searches_know_asks_for_one_of_them(own: str, wishes: Wishes, kind: str) -> None:
    assert wishes.over({"strategy": {"kind": own, "width": 3}})["strategy"]["kind"] == kind


def test_every_search_can_be_asked_for_with_what_it_has() -> None:
    """No kind of search, and no setting of one, is forgotten here."""
    assert KINDS.keys() <= set(SEARCHES)
    for kind, arm in KINDS.items():
        known = {place.key.split(".")[1] for place in PLACES.values() if kind in place.searches and "." in place.key}
        assert set(arm.model_fields) - {"kind"} == known


def test_every_option_can_be_asked_for() -> None:
    assert set(DecodingOptions.model_fields) == {place.key.split(".")[0] for place in PLACES.values()}


@pytest.mark.parametrize(
    ("wishes", "fault"),
    [
        (Wishes("beam", beam_size=4, alpha=0.5, stop="exact"), None),
        (Wishes("mbr", samples=4, metric="bleu", max_ratio=1.0), None),
        (Wishes("greedy", max_ratio=1.0), None),
        (Wishes("beam", seed=1), "--seed is for sampling or mbr: beam has no such thing"),
        (Wishes("sampling", metric="chrf"), "--metric is for mbr: sampling has no such thing"),
        (
            Wishes(top_p=0.9, groups=2),
            "--groups is for diverse-beam, --top-p for sampling or mbr: wanted one or the other",
        ),
        (Wishes(length_penalty="none", alpha=0.5), "without a length penalty there is no --alpha"),
    ],
)
def test_wishes_that_contradict_each_other(wishes: Wishes, fault: str | None) -> None:
    assert wishes.fault() == fault
