import json

from nmtk.evaluation.metrics import Score
from nmtk.evaluation.report import as_json, as_text

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
