import html
import json
import unicodedata
from pathlib import Path

import pytest

from nmtk.evaluation.metrics import Bleu, TokenisedBleu
from nmtk.evaluation.suspicions import suspicions
from nmtk.lines import read_lines

PLAIN = ["Zwei Hunde spielen im Schnee.", 'Er rief: "Komm, schnell!"', "Das kostet 3,50 Euro für zwölf Stück."]
UNFINISHED = {
    "look cut into SentencePiece pieces": ["▁Zwei ▁Hund e ▁spielen ▁im ▁Schnee.", "▁Er ▁rief", "▁Das ▁kostet"],
    "look cut into BPE pieces": ["Zwei Hun@@ de spielen im Sch@@ nee.", "Er rief: Komm@@", "Das kostet."],
    "look cut into WordPiece pieces": ["Zwei Hun ##de spielen im Sch ##nee.", "Er rief ##en", "Das kost ##et"],
    "look cut into pieces of bytes (Ġ)": [line.replace(" ", " Ġ") for line in PLAIN],
    "look cut into BPE pieces (</w>)": [line.replace(" ", "</w> ") + "</w>" for line in PLAIN],
    "are numbers, of pieces perhaps": ["17 4 229 3", "5 12 9", "1 2 3 4 5 6"],
    "look cut into pieces with joiners": [
        "Zwei Hunde spielen im Schnee ￭.",
        'Er rief ￭: ￭" Komm',
        "Das kostet 3 ￭,￭ 50 Euro",
    ],
    "hold letters with their accents apart (NFD)": [unicodedata.normalize("NFD", line) for line in PLAIN],
    "hold marks that are a model's alone": [f"<s> {line} </s>" for line in PLAIN],
    "hold marks that are a model's": [f"deu_Latn {line}" for line in PLAIN],
    "hold marks that are a model's alone (as </s>)": [f"<extra_id_0> {line}<|im_end|>" for line in PLAIN],
    "hold marks that are a model's alone (as": [f"de_DE {line}" for line in PLAIN],
    "hold what stands for an unknown piece": [line.replace("S", "<unk>") for line in PLAIN],
    "hold what stands for an unknown piece (<unk>, ⁇)": [line.replace("w", " ⁇ ") for line in PLAIN],
    "hold HTML entities": [html.escape(line) for line in PLAIN],
    "hold UTF-8 that was read as another encoding": [line.encode().decode("cp1252") for line in PLAIN],
    "hold UTF-8 that was read as another": [line.encode().decode("latin-1") for line in PLAIN],
    "look tokenised": [
        "Zwei Hunde spielen im Schnee .",
        "Er rief : &quot; Komm , schnell ! &quot;",
        "Es kostet 3,50 .",
    ],
    "look lower-cased": [line.lower() for line in PLAIN],
    "look written in capitals": [line.upper() for line in PLAIN],
    "are lines of fairseq's": [f"D-{number}\t-0.3172\t{line}" for number, line in enumerate(PLAIN)],
    "are lines of fairseq's (D-0": [f"H-{number}\t-0.3172\t▁Zwei ▁Hund e ." for number, line in enumerate(PLAIN)],
    "are lines of an n-best list": [f"{number} ||| {line} ||| LM= -2.5 ||| -1.2" for number, line in enumerate(PLAIN)],
    "end in an alignment": [f"{line} ||| 0-0 1-1 2-3" for line in PLAIN],
    "are JSON": [json.dumps({"translation": line, "tokens": ["▁Zwei", "▁Hund"]}) for line in PLAIN],
    "have columns, parted by tabs": [f"Two dogs play.\t{line}" for line in PLAIN],
}


@pytest.mark.parametrize("kind", UNFINISHED)
def test_unfinished_text_is_noticed_once_and_the_mend_is_named(kind: str) -> None:
    [suspicion] = suspicions(UNFINISHED[kind], [PLAIN])
    assert f"of the hypotheses {kind}" in suspicion
    assert "0% of the references" in suspicion
    assert "; " in suspicion


@pytest.mark.parametrize("kind", UNFINISHED)
def test_text_that_is_like_its_reference_is_not_suspect(kind: str) -> None:
    alike = UNFINISHED[kind][::-1]
    assert list(suspicions(UNFINISHED[kind], [alike])) == []
    assert list(suspicions(UNFINISHED[kind], [PLAIN, alike])) == []


def test_one_line_for_all_is_noticed() -> None:
    lines = [f"Satz Nummer {number} ist anders." for number in range(20)]
    [suspicion] = suspicions(["Der ist anders."] * 8 + lines[8:], [lines])
    assert suspicion == "35% of the hypotheses repeat one and the same line, and 0% of the references"
    assert list(suspicions(["Ja."] * 8 + lines[8:], [["Doch."] * 8 + lines[8:]])) == []


def test_tokens_are_not_to_be_cut_again() -> None:
    tokens = UNFINISHED["look tokenised"]
    [suspicion] = suspicions(tokens, [tokens[::-1]], metrics=[TokenisedBleu(reference="tokenised")])
    assert suspicion == "100% of the hypotheses look tokenised, and tokenised-bleu does it again: detokenise them first"
    assert list(suspicions(PLAIN, [tokens], metrics=[TokenisedBleu(reference="tokenised")])) == []
    assert list(suspicions(tokens, [tokens[::-1]], metrics=[Bleu(tokenize="none")])) == []


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (PLAIN, "Ein anderer Satz."),
        (["Où vas-tu ? Je ne sais pas ; peut-être.", "Attention ! « Oui »"], "Oui."),  # a space before some marks
        (["我们 明天 去。", "好。"], "好 的。"),  # a script without case
        (["12:30", "3.14"], "Ein anderer Satz."),
        (["A & B: R&D."], "Ein anderer Satz."),
        (["## A heading", "Nr. ### 5", "C # D"], "Ein anderer Satz."),
        (["AT&T; IBM", "A || B ||| C", "<b>Fett</b>", "[Lachen]", "{Name}", "São Paulo, Ã"], "Ein anderer Satz."),
        (["Der Wert ist 3 < 5 > 2.", "D-42 fliegt ab.", "12 || 13"], "Ein anderer Satz."),
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
    assert list(suspicions(GERMAN[:9], [GERMAN[:9]])) == []  # a few lines may well be translated as they were before


def test_source_and_references_of_real_corpora_are_told_apart(corpora: Path) -> None:
    folder = corpora / "multi30k"
    if not folder.is_dir():
        pytest.skip("no multi30k among the corpora")
    texts = {side: list(read_lines(folder / f"test_2016_flickr.{side}.gz")) for side in ("en", "de", "fr")}
    for one in texts:
        for other in texts.keys() - {one}:
            assert any("same language" in found for found in suspicions(texts[one], [texts[other]])), (one, other)
