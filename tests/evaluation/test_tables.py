from nmtk.evaluation.scores import Interval, Score
from nmtk.evaluation.tables import as_latex, as_text, document

SIGNATURE = "nrefs:1|bs:1000|seed:12345|version:9"


def score(name: str, figure: float, mean: float = 0.0, p: float | None = None, higher: bool = True) -> Score:
    interval = Interval(mean, 0.5) if mean else None
    return Score(name, figure, SIGNATURE, higher_is_better=higher, interval=interval, p_value=p)


PLAIN = {
    "a": [score("BLEU", 26.6), score("TER", 63.0, higher=False)],
    "long name": [score("BLEU", 9.126), score("TER", 100.0)],
}
PAIRED = {
    "a": [score("BLEU", 26.6, 26.61)],
    "b_1": [score("BLEU", 9.126, 9.1, 0.001)],
    "c": [score("BLEU", 26.7, 26.7, 0.05)],
}


def test_figures_stand_in_columns_and_signatures_beneath() -> None:
    assert as_text(PLAIN).splitlines() == [
        "System     BLEU ↑   TER ↓",
        "a           26.60   63.00",
        "long name    9.13  100.00",
        "",
        f"BLEU  {SIGNATURE}",
        f"TER   {SIGNATURE}",
    ]


def test_only_p_values_below_a_twentieth_have_an_asterisk() -> None:
    assert as_text(PAIRED, width=1).splitlines() == [
        "System        BLEU ↑  μ ± 95% CI       p",
        "a (baseline)    26.6  26.6 ± 0.5",
        "b_1              9.1   9.1 ± 0.5  0.0010*",
        "c               26.7  26.7 ± 0.5  0.0500",
        "",
        "* p < 0.05: hardly chance that it differs so much from the baseline (paired bootstrap, 1000 resamples)",
        f"BLEU  {SIGNATURE}",
    ]


def test_randomisation_is_named_even_where_intervals_were_resampled_too() -> None:
    rows = {
        name: [Score("BLEU", 1.0, "nrefs:1|bs:20|ar:300|seed:1", p_value=p)] for name, p in (("a", None), ("b", 0.5))
    }
    assert "(paired approximate randomisation, 300 trials)" in as_text(rows)


def test_rows_with_other_signatures_show_all_of_them() -> None:
    rows = {"one": [Score("BLEU", 1.0, "nrefs:1")], "two": [Score("BLEU", 1.0, "nrefs:2")]}
    assert as_text(rows, "Test set").splitlines()[-2:] == ["BLEU  nrefs:1", "BLEU  nrefs:2"]


def test_latex_has_every_name_escaped() -> None:
    names = r"a_b 50% & $x^2$ #1 {z} ~ \end"
    table = as_latex({names: PAIRED["a"], "b_1": PAIRED["b_1"]}).splitlines()
    assert table[:4] == [
        r"\begin{tabular}{lrrr}",
        r"\toprule",
        r"System & BLEU $\uparrow$ & $\mu$ $\pm$ 95\% CI & p \\",
        r"\midrule",
    ]
    assert table[4] == (
        r"a\_b 50\% \& \$x\textasciicircum{}2\$ \#1 \{z\} \textasciitilde{} \textbackslash{}end (baseline)"
        r" & 26.60 & 26.61 $\pm$ 0.50 &  \\"
    )
    assert table[5:8] == [r"b\_1 & 9.13 & 9.10 $\pm$ 0.50 & 0.0010$^{*}$ \\", r"\bottomrule", r"\end{tabular}"]
    assert all(line.startswith("% ") for line in table[8:])


def test_objects_say_what_sacrebleu_says_and_the_signature() -> None:
    assert document(PAIRED["b_1"], 2) == {
        "BLEU": {"score": 9.13, "p_value": 0.001, "mean": 9.1, "ci": 0.5, "signature": SIGNATURE},
    }
    assert document(PLAIN["a"][:1], 0) == {"BLEU": {"score": 27.0, "signature": SIGNATURE}}
