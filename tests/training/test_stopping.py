import pytest

from nmtk.errors import OptionsError
from nmtk.training.options import EarlyStop, TrainingOptions
from nmtk.training.stopping import (
    Position,
    Validated,
    best,
    reason_to_stop,
    share_done,
    to_average,
    to_keep,
    validations_since_best,
)


def history(metric: str, *values: float) -> list[Validated]:
    return [Validated(100 * i, {"loss": 0.0, metric: value}) for i, value in enumerate(values, 1)]


EVERY = [100, 200, 300, 400]
AT = Position(update=100, epochs=3.0, tokens=5000, seconds=60.0)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"updates": 100}, "100 updates"),
        ({"updates": "1k"}, None),
        ({"epochs": 3}, "3 epochs"),
        ({"epochs": 4}, None),
        ({"tokens": "5k"}, "5000 tokens"),
        ({"tokens": "5M"}, None),
        ({"time": "1min"}, "60 seconds"),
        ({"time": "2h"}, None),
        ({"updates": "100k", "time": "30s"}, "30 seconds"),
    ],
)
def test_stops_at_whatever_comes_first(document: dict[str, object], reason: str | None) -> None:
    assert reason_to_stop(TrainingOptions.parse(document, "test"), AT, []) == reason


def test_each_metric_knows_its_direction() -> None:
    falling = [3.0, 2.0, 1.0, 1.5]
    assert best(history("loss", *falling), "loss", 1) == [300]
    assert best(history("bleu", *falling), "bleu", 2) == [100, 200]
    assert validations_since_best(EarlyStop(metric="loss"), history("loss", *falling)) == 1
    assert validations_since_best(EarlyStop(metric="bleu"), history("bleu", *falling)) == 3
    assert validations_since_best(EarlyStop(metric="bleu"), []) == 0


def test_stops_when_nothing_gets_better() -> None:
    options = TrainingOptions.parse({"early_stop": {"metric": "bleu", "patience": 2}}, "test")
    assert reason_to_stop(options, AT, history("bleu", 1, 2, 2)) is None
    assert reason_to_stop(options, AT, history("bleu", 1, 2, 2, 1)) == "no better bleu in 2 validations"


def test_keeps_the_last_and_the_best() -> None:
    options = keeping(keep_last=2)
    scored = history("loss", 5.0, 1.0, 2.0, 3.0)
    assert to_keep(options, EVERY, EVERY, scored) == {200, 300, 400}
    assert to_keep(options, EVERY[2:], EVERY[2:], scored) == {300, 400}


def test_what_an_interruption_saved_stays_until_the_next_and_takes_no_place() -> None:
    options = keeping(keep_last=2)
    assert to_keep(options, [*EVERY[:3], 342], EVERY[:3], []) == {200, 300, 342}
    assert to_keep(options, [*EVERY, 342], EVERY, []) == {300, 400}
    assert to_average(options, [*EVERY, 342], EVERY, []) == [300, 400]


def test_the_final_model_is_of_the_end_and_what_was_due_before_it() -> None:
    assert to_average(keeping(keep_last=2), [*EVERY[:3], 342], EVERY[:3], []) == [300, 342]
    scored = history("loss", 5.0, 1.0, 2.0, 3.0)
    best = keeping(keep_best=2, take="best")
    assert to_average(best, EVERY, EVERY, scored) == [200, 300]
    assert to_average(best, [100, 300, 400], [100, 300, 400], scored) == [300, 400]


def keeping(keep_last: int = 5, keep_best: int = 1, take: str = "last") -> TrainingOptions:
    checkpoint = {"every": 100, "keep_last": keep_last, "keep_best": keep_best}
    return TrainingOptions.parse(
        {"updates": 1, "checkpoint": checkpoint, "average": {"take": take, "count": 2}}, "test"
    )


def test_the_share_done_is_that_of_the_nearest_end() -> None:
    assert share_done(TrainingOptions.parse({"updates": 200, "epochs": 4}, "test"), AT) == 0.75
    assert share_done(TrainingOptions.parse({"early_stop": {}}, "test"), AT) is None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "nothing ends the training"),
        ({"epochs": 3, "schedule": "cosine"}, "schedule cosine decays to an end"),
        ({"updates": 9, "early_stop": {"metric": "chrf"}}, "early_stop.metric chrf is not in validation.metrics"),
        ({"updates": 9, "validation": {"metrics": ["bleu"]}}, "loss is always measured"),
        ({"updates": 9, "batch_tokns": 3}, "unknown key batch_tokns; did you mean batch_tokens?"),
        ({"updates": "many"}, 'updates: found "many", wanted a whole number'),
        ({"updates": 9, "average": {"count": 9}}, "average.count 9"),
    ],
)
def test_options_that_make_no_sense_are_named(document: dict[str, object], message: str) -> None:
    with pytest.raises(OptionsError, match=message.replace("?", r"\?")) as raised:
        TrainingOptions.parse(document, "test")
    assert "\n" not in str(raised.value)


def test_noam_is_the_rate_itself() -> None:
    assert TrainingOptions.parse({"updates": 9, "schedule": "noam"}, "test").optimiser.rate == 1.0
    given = {"updates": 9, "schedule": "noam", "optimiser": {"kind": "adam", "rate": 2.0}}
    assert TrainingOptions.parse(given, "test").optimiser.rate == 2.0
