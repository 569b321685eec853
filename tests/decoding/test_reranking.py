import math
from pathlib import Path

import pytest

from nmtk.bundle import Bundle
from nmtk.decoding.jury import Seat
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.reranking import Backward, Forward, Judge, Length, Own, Reranker, seated
from nmtk.decoding.scoring import Scorer
from nmtk.decoding.strategies import Beam
from nmtk.decoding.translator import Translation, Translator
from nmtk.errors import OptionsError
from tests.decoding.copying import sentences

LINES = [*sentences(6, 1001), "", *sentences(3, 1002)]


@pytest.fixture(scope="module")
def found(bundle: Bundle) -> list[list[Translation]]:
    translator = Translator(bundle, DecodingOptions(strategy=Beam(width=4)))
    return list(translator.candidates(LINES, best=4))


def test_scores_are_the_weighted_sums_by_definition(bundle: Bundle, found: list[list[Translation]]) -> None:
    scorer = Scorer(bundle)
    reranker = Reranker([Own(), Forward(scorer), Backward(scorer), Length()], [0.5, 1.0, 2.0, 0.3])
    for line, some, before in zip(LINES, reranker.rerank(LINES, found), found, strict=True):
        if not line:
            assert some == before
            continue
        wanted = {}
        for one in before:
            [forward], [backward] = scorer.score([line], [one.text]), scorer.score([one.text], [line])
            figure = 0.5 * one.logp + forward.logp + 2.0 * backward.logp + 0.3 * len(one.token_logps)
            wanted[tuple(one.ids)] = figure
        assert [tuple(one.ids) for one in some] == sorted(wanted, key=lambda ids: -wanted[ids])
        assert [one.score for one in some] == pytest.approx(sorted(wanted.values(), reverse=True), abs=1e-3)
        assert [one._replace(score=0.0) for one in some if one.ids == before[0].ids] == [before[0]._replace(score=0.0)]


def test_the_other_direction_changes_the_order(bundle: Bundle, found: list[list[Translation]]) -> None:
    """A model that copies reads its own direction backwards: what left out words is no longer the best."""
    reranked = Reranker([Own(), Backward(Scorer(bundle))], [1.0, 1.0]).rerank(LINES, found)
    assert any(new[0].ids != old[0].ids for new, old in zip(reranked, found, strict=True))


@pytest.mark.parametrize(("judge", "weight"), [(Own(), 1.0), (Length(), 0.0)])
def test_what_says_nothing_new_changes_no_order(found: list[list[Translation]], judge: Judge, weight: float) -> None:
    """Candidates that come in the order of their log-probability stay in it, and equals stay as they are."""
    given = [sorted(some, key=lambda one: -one.logp) for some in found]
    reranked = Reranker([judge], [weight]).rerank(LINES, given)
    assert [[one.ids for one in some] for some in reranked] == [[one.ids for one in some] for some in given]


def test_nothing_gives_nothing(bundle: Bundle) -> None:
    assert Reranker([Own(), Forward(Scorer(bundle))], [1.0, 1.0]).rerank([], []) == []


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"^weights: found 1 for 2 judges, wanted one for each$"),
        ([1.0, math.nan], r"^weights: found 1, nan, wanted finite numbers$"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights: list[float], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        Reranker([Own(), Length()], weights)


def test_a_judge_of_the_wrong_direction_is_refused(bundle: Bundle) -> None:
    one, other = ({"source": a, "target": b} for a, b in (("en", "de"), ("de", "en")))
    for name, found, wanted in (("forward", other, "en to de"), ("backward", one, "de to en")):
        seat = Seat(name, 1.0, Path("runs/judge"))
        with pytest.raises(
            OptionsError, match=rf"--rerank: {name}=runs/judge translates .*: wanted a model of {wanted}$"
        ):
            seated([seat], lambda _, found=found: bundle._replace(card=found), one)  # type: ignore[misc]
        fit = other if name == "backward" else one
        for card in ({}, fit, {side: f"{language}_{language.upper()}" for side, language in fit.items()}):
            seated([seat], lambda _, card=card: bundle._replace(card=card), one)  # type: ignore[misc]
