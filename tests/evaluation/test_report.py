import json

import pytest

from nmtk.evaluation import tables
from nmtk.evaluation.report import as_json, as_text, rendered
from nmtk.evaluation.scores import Interval, Score

BLEU = Score("BLEU", 7.126, "nrefs:1|tok:13a|version:9", "50.0/20.0/10.0/5.0 (BP = 1.000)")
CHRF = Score("chrF2++", 100.0, "nrefs:1|nc:6|version:9")
TER = Score("TER", 66.0, "nrefs:1|tok:tercom|version:9", higher_is_better=False)


def test_figures_of_one_test_set_stand_in_columns() -> None:
    assert as_text({"": [BLEU, CHRF]}).splitlines() == [
        "BLEU       7.13  nrefs:1|tok:13a|version:9  50.0/20.0/10.0/5.0 (BP = 1.000)",
        "chrF2++  100.00  nrefs:1|nc:6|version:9",
    ]


def test_figures_of_several_test_sets_begin_with_their_names() -> None:
    assert as_text({"valid": [TER], "newstest2014": [CHRF, TER]}, width=0).splitlines() == [
        "valid         TER       66  nrefs:1|tok:tercom|version:9",
        "newstest2014  chrF2++  100  nrefs:1|nc:6|version:9",
        "newstest2014  TER       66  nrefs:1|tok:tercom|version:9",
    ]


def test_json_is_always_one_list() -> None:
    assert json.loads(as_json({"": [BLEU]})) == [BLEU.json()]
    assert json.loads(as_json({"valid": [TER], "test": [CHRF, TER]}, width=1)) == [
        {"test": "valid"} | TER.json(1),
        {"test": "test"} | CHRF.json(1),
        {"test": "test"} | TER.json(1),
    ]


def test_an_interval_stands_beside_its_figure() -> None:
    score = Score("BLEU", 7.126, "bs:9", interval=Interval(7.0, 1.25))
    assert as_text({"": [score]}) == "BLEU  7.13 (μ = 7.00 ± 1.25)  bs:9"
    assert json.loads(as_json({"": [score]}))[0]["confidence"] == "μ = 7.00 ± 1.25"


def test_one_system_has_lines_and_several_have_a_table_for_each_test_set() -> None:
    one = {"": {"a": [BLEU]}}
    assert rendered(one) == as_text({"": [BLEU]})
    assert rendered(one, "json") == as_json({"": [BLEU]})
    assert rendered(one, "latex") == tables.as_latex({"a": [BLEU]})
    tests = {"valid": {"model": [BLEU]}, "test": {"model": [TER]}}
    assert rendered(tests) == as_text({"valid": [BLEU], "test": [TER]})
    several = {"valid": {"100": [BLEU], "200": [BLEU]}, "test": {"100": [TER], "200": [TER]}}
    valid, test = (tables.as_text(rows, "System", 1) for rows in several.values())
    assert rendered(several, width=1) == f"valid\n\n{valid}\n\ntest\n\n{test}"
    assert [(row["test"], row["system"]) for row in json.loads(rendered(several, "json"))] == [
        ("valid", "100"),
        ("valid", "200"),
        ("test", "100"),
        ("test", "200"),
    ]
    assert rendered(several, "latex").count(r"\begin{tabular}") == 2


def test_test_sets_of_one_system_are_the_rows_in_latex() -> None:
    tests = {"valid": {"model": [BLEU]}, "test": {"model": [BLEU]}}
    for width in (0, 2, 3):
        wanted = tables.as_latex({"valid": [BLEU], "test": [BLEU]}, "Test set", width)
        assert rendered(tests, "latex", width) == wanted
        assert f" {7.126:.{width}f} " in wanted


@pytest.mark.parametrize("updates", [["1500"], ["500", "1500"]])
def test_checkpoints_are_rows_of_a_table_however_many_there_are(updates: list[str]) -> None:
    tests = {test: {update: [BLEU] for update in updates} for test in ("valid", "test")}
    rows = json.loads(rendered(tests, "json", checkpoints=True))
    score = {"BLEU": {"score": 7.13, "signature": BLEU.signature}}
    assert rows == [{"test": test, "checkpoint": int(update)} | score for test in tests for update in updates]
    shown = {f"{int(update):,}": [BLEU] for update in updates}
    text = tables.as_text(shown, "Checkpoint")
    assert "1,500" in text
    assert rendered(tests, checkpoints=True) == f"valid\n\n{text}\n\ntest\n\n{text}"
    assert tables.as_latex(shown, "Checkpoint") in rendered(tests, "latex", checkpoints=True)
