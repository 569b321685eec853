from pathlib import Path

import pytest

from nmtk.evaluation.suspicions import suspicions
from nmtk.lines import read_lines

PLAIN = ["Zwei Hunde spielen im Schnee.", 'Er rief: "Komm, schnell!"', "Das kostet 3,50 Euro."]
UNFINISHED = {
    "SentencePiece": ["▁Zwei ▁Hund e ▁spielen ▁im ▁Schnee.", "▁Er ▁rief", "▁Das ▁kostet"],
    "BPE": ["Zwei Hun@@ de spielen im Sch@@ nee.", "Er rief: Komm@@", "Das kostet."],
    "tokenised": [
        "Zwei Hunde spielen im Schnee .",
        "Er rief : &quot; Komm , schnell ! &quot;",
        "Das kostet 3,50 Euro .",
    ],
    "lower-cased": [line.lower() for line in PLAIN],
}


@pytest.mark.parametrize("kind", UNFINISHED)
def test_unfinished_text_is_noticed_once_and_the_mend_is_named(kind: str) -> None:
    [suspicion] = suspicions(UNFINISHED[kind], [PLAIN])
    assert f"hypotheses look {kind if kind in ('tokenised', 'lower-cased') else 'cut into ' + kind}" in suspicion
    assert "0% of the references" in suspicion
    assert "; " in suspicion


@pytest.mark.parametrize("kind", UNFINISHED)
def test_text_that_is_like_its_reference_is_not_suspect(kind: str) -> None:
    assert list(suspicions(UNFINISHED[kind], [UNFINISHED[kind]])) == []
    assert list(suspicions(UNFINISHED[kind], [PLAIN, UNFINISHED[kind]])) == []


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        ["Où vas-tu ? Je ne sais pas ; peut-être.", "Attention ! « Oui »"],  # French puts a space before some marks
        ["我们 明天 去。", "好。"],  # a script without case
        ["12:30", "3.14"],
        ["A & B: R&D."],
    ],
)
def test_plain_text_is_not_suspect(text: list[str]) -> None:
    assert list(suspicions(text, [["Ein anderer Satz."] * len(text)])) == []


def test_a_few_odd_lines_among_many_are_not_suspect() -> None:
    assert list(suspicions(["ein Haus .", *PLAIN * 5], [["Ein Haus.", *PLAIN * 5]])) == []


def test_empty_translations_are_counted() -> None:
    assert list(suspicions(["", " ", "Ein Hund."], [["", "Ja.", "Ein Hund."]])) == [
        "2 of 3 hypotheses are empty, and 1 of the references"
    ]


def test_no_system_of_wmt17_is_suspect(corpora: Path) -> None:
    folder = corpora / "newstest2017-en-de"
    if not folder.is_dir():
        pytest.skip("no newstest2017-en-de among the corpora")
    reference = list(read_lines(folder / "ref.sacrebleu.de.gz"))
    for system in sorted(folder.glob("systems/*.gz")):
        assert list(suspicions(list(read_lines(system)), [reference])) == [], system.name


def test_the_tokenised_reference_of_multi30k_is_suspect(corpora: Path) -> None:
    tokenised = corpora / "multi30k" / "test_2016_flickr.lc.norm.tok.de.gz"
    if not tokenised.is_file():
        pytest.skip("no tokenised multi30k among the corpora")
    raw = list(read_lines(corpora / "multi30k" / "test_2016_flickr.de.gz"))
    found = "\n".join(suspicions(list(read_lines(tokenised)), [raw]))
    assert "look tokenised" in found
    assert "look lower-cased" in found
