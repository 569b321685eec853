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
    "written in capitals": [line.upper() for line in PLAIN],
    "WordPiece": ["Zwei Hun ##de spielen im Sch ##nee.", "Er rief ##en", "Das kost ##et"],
    "pieces with joiners": ["Zwei Hunde spielen im Schnee ￭.", 'Er rief ￭: ￭" Komm', "Das kostet 3 ￭,￭ 50 Euro"],
}


WHOLE = ("tokenised", "lower-cased", "written in capitals")


@pytest.mark.parametrize("kind", UNFINISHED)
def test_unfinished_text_is_noticed_once_and_the_mend_is_named(kind: str) -> None:
    [suspicion] = suspicions(UNFINISHED[kind], [PLAIN])
    assert f"hypotheses look {kind if kind in WHOLE else 'cut into ' + kind}" in suspicion
    assert "0% of the references" in suspicion
    assert "; " in suspicion


@pytest.mark.parametrize("kind", UNFINISHED)
def test_text_that_is_like_its_reference_is_not_suspect(kind: str) -> None:
    alike = UNFINISHED[kind][::-1]
    assert list(suspicions(UNFINISHED[kind], [alike])) == []
    assert list(suspicions(UNFINISHED[kind], [PLAIN, alike])) == []


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (PLAIN, "Ein anderer Satz."),
        (["Où vas-tu ? Je ne sais pas ; peut-être.", "Attention ! « Oui »"], "Oui."),  # a space before some marks
        (["我们 明天 去。", "好。"], "好 的。"),  # a script without case
        (["12:30", "3.14"], "Ein anderer Satz."),
        (["A & B: R&D."], "Ein anderer Satz."),
        (["## A heading", "Nr. ### 5", "C # D"], "Ein anderer Satz."),
    ],
)
def test_plain_text_is_not_suspect(text: list[str], other: str) -> None:
    assert list(suspicions(text, [[other] * len(text)])) == []


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


ENGLISH = ["The dog is in the house and the cat is on the roof.", "A man and a woman are in the park with a dog."] * 12
GERMAN = ["Der Hund ist in dem Haus und die Katze ist auf dem Dach.", "Ein Mann und eine Frau sind in dem Park."] * 12
OTHER_GERMAN = ["Die Frau ist mit dem Hund in dem Haus und der Mann auf dem Dach.", "Ein Park und eine Katze."] * 12


def test_another_language_is_noticed() -> None:
    [suspicion] = suspicions(ENGLISH, [GERMAN])
    assert "in the same language?" in suspicion
    assert list(suspicions(OTHER_GERMAN, [GERMAN])) == []
    assert list(suspicions(ENGLISH, [GERMAN, [line + "!" for line in ENGLISH]])) == []


def test_another_script_is_noticed() -> None:
    russian = ["Собака в доме."] * len(GERMAN)
    assert list(suspicions(russian, [GERMAN])) == [
        "the hypotheses are in cyrillic letters, and the references in latin"
    ]
    assert list(suspicions(["1234"] * len(GERMAN), [GERMAN])) == []


def test_translations_that_are_their_source_or_the_reference_are_noticed() -> None:
    half = [english if i % 2 else german for i, (english, german) in enumerate(zip(ENGLISH, OTHER_GERMAN, strict=True))]
    [suspicion] = suspicions(half, [GERMAN], ENGLISH)
    assert suspicion.startswith("50% of the hypotheses are their source, untranslated, and 0% of the references")
    assert list(suspicions(OTHER_GERMAN, [GERMAN], ENGLISH)) == []
    assert list(suspicions(GERMAN, [GERMAN])) == ["the hypotheses are a reference, line by line: is it the right file?"]


def test_source_and_references_of_real_corpora_are_told_apart(corpora: Path) -> None:
    folder = corpora / "multi30k"
    if not folder.is_dir():
        pytest.skip("no multi30k among the corpora")
    texts = {side: list(read_lines(folder / f"test_2016_flickr.{side}.gz")) for side in ("en", "de", "fr")}
    for one in texts:
        for other in texts.keys() - {one}:
            assert any("same language" in found for found in suspicions(texts[one], [texts[other]])), (one, other)
