import html
import json
import unicodedata
from pathlib import Path

import pytest

from nmtk.evaluation.metrics import Bleu, Chrf, CompoundBleu, Metric, Ter, TokenisedBleu, evaluate, in_language
from nmtk.evaluation.references import faults
from nmtk.evaluation.suspicions import suspicions
from nmtk.lines import read_lines

USUAL: list[Metric] = [Bleu(), Chrf(), Ter()]
PLAIN = ["Zwei Hunde spielen im Schnee.", 'Er rief: "Komm, schnell!"', "Das kostet 3,50 Euro für zwölf Stück."]
TOKENISED = ["Zwei Hunde spielen im Schnee .", "Er rief : &quot; Komm , schnell ! &quot;", "Es kostet 3,50 Euro ."]
CHINESE = ["两只狗在雪地里玩耍。", "他喊道：“快来！”", "这要三块五。"]
JAPANESE = ["二匹の犬が雪の中で遊んでいます。", "彼は「早く来て」と叫んだ。", "それは三ユーロです。"]
KOREAN = ["개 두 마리가 눈 속에서 놀고 있다.", "그는 빨리 오라고 외쳤다.", "그것은 삼 유로이다."]
THAI = ["สุนัขสองตัวเล่นในหิมะ", "เขาตะโกนว่ามาเร็ว", "ราคาสามยูโร"]


@pytest.mark.parametrize("hypotheses", [PLAIN, TOKENISED])
def test_tokenised_references_are_told_whatever_the_hypotheses_are(hypotheses: list[str]) -> None:
    [fault] = faults([TOKENISED], [hypotheses], metrics=USUAL)
    assert fault.startswith("100% of the references look tokenised: bleu, ter will be wrong; detokenise them")
    assert list(faults([PLAIN], [hypotheses], metrics=USUAL)) == []


def test_tokens_are_the_same_to_metrics_that_ignore_blanks() -> None:
    tokens = [line.replace(".", " .").replace(",", " ,") for line in PLAIN]
    assert list(faults([tokens], [PLAIN], metrics=[Chrf()])) == []
    assert list(suspicions(tokens, [PLAIN], metrics=[Chrf()])) == []
    assert evaluate(PLAIN, [tokens], ["chrf"])[0].score == evaluate(tokens, [PLAIN], ["chrf"])[0].score == 100


def test_references_in_lower_case_are_told_where_the_hypotheses_are_not_and_a_metric_minds() -> None:
    lower = [line.lower() for line in PLAIN]
    [fault] = faults([lower], [PLAIN], metrics=USUAL)
    assert fault.startswith("100% of the references look lower-cased, and 0% of the hypotheses: bleu, chrf will be wro")
    assert list(faults([lower], [lower], metrics=USUAL)) == []
    assert list(faults([lower], [PLAIN], metrics=[Bleu(lowercase=True), Ter()])) == []


def test_references_that_a_metric_takes_tokenised_are_right_to_it() -> None:
    takes: list[Metric] = [Bleu(tokenize="none"), TokenisedBleu(reference="tokenised")]
    assert list(faults([TOKENISED], [TOKENISED], metrics=takes)) == []
    [fault] = faults([TOKENISED], [PLAIN], metrics=takes)  # tokenised-bleu finds those of the hypotheses itself
    assert "look tokenised, and 0% of the hypotheses: bleu will be wrong" in fault
    [fault] = faults([TOKENISED], [TOKENISED], metrics=[*takes, CompoundBleu(), TokenisedBleu()])
    assert "look tokenised: compound-bleu, tokenised-bleu will be wrong" in fault


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ([html.escape(line) for line in PLAIN], "hold HTML entities"),
        ([line.encode().decode("cp1252") for line in PLAIN], "hold UTF-8 that was read as another encoding"),
        ([f"{line}</s>" for line in PLAIN], "hold marks that are a model's alone"),
        ([json.dumps({"de": line}) for line in PLAIN], "are JSON"),
        ([f"Two dogs.\t{line}" for line in PLAIN], "have columns, parted by tabs"),
    ],
)
def test_references_that_are_no_plain_text_are_told_once(reference: list[str], found: str) -> None:
    for systems in ([PLAIN], [reference, PLAIN]):
        [fault] = faults([PLAIN, reference], systems, metrics=USUAL)
        assert f"of the references {found}" in fault
        assert "the scores will be wrong; " in fault


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ([unicodedata.normalize("NFD", line) for line in PLAIN], "hold letters with their accents apart (NFD)"),
        (["▁Zwei ▁Hund e.", "▁Er ▁rief", "▁Das ▁kostet"], "look cut into SentencePiece pieces"),
    ],
)
def test_what_only_the_references_show_is_told(reference: list[str], found: str) -> None:
    [fault] = faults([reference], [reference, PLAIN], metrics=USUAL)
    assert f"of the references {found}" in fault
    assert "0% of the hypotheses" in fault
    assert list(faults([reference], [reference[::-1]], metrics=USUAL)) == []


def test_lines_without_a_reference_are_counted() -> None:
    [fault] = faults([["", "Ja.", " ", ""]], [["Ja."] * 4, ["", "Ja.", "", ""]], metrics=USUAL)
    assert fault.startswith("3 of 4 lines have no reference, the first of them line 1: ")
    assert list(faults([["", "Ja."]], [["", "Nein."]], metrics=USUAL)) == []
    assert list(faults([["", "Ja."]], [["Wie?", "Ja."]], ["", "Yes."], USUAL)) == []  # of nothing to translate
    [fault] = faults([["", "Ja."]], [["", "Ja."]], ["Hm.", "Yes."], USUAL)
    assert fault.startswith("1 of 2 lines has no reference, the first of them line 1: ")


def test_fewer_references_of_some_lines_are_told_where_it_matters() -> None:
    references = [PLAIN, ["", *PLAIN[1:]]]
    assert list(faults(references, [PLAIN], metrics=[Bleu(), Chrf()])) == []
    [fault] = faults(references, [PLAIN], metrics=USUAL)
    assert fault.startswith("1 of 3 lines has fewer references than others, some being empty: ter counts them")
    wrong = ["Zwei Katzen spielen im Schnee.", *PLAIN[1:]]
    one, other = (evaluate(wrong, streams, ["ter"])[0].score for streams in ([PLAIN, PLAIN], references))
    assert one < other


@pytest.mark.parametrize(
    ("reference", "language", "flag"),
    [(CHINESE, "zh", "zh"), (JAPANESE, "ja", "ja-mecab"), (KOREAN, "ko", "ko-mecab"), (THAI, "", "flores200")],
)
def test_metrics_that_find_no_words_in_a_script_are_told_how_to(reference: list[str], language: str, flag: str) -> None:
    [fault] = faults([reference], [reference], metrics=[Bleu(), Chrf()])
    assert "to find words in them, bleu wants " in fault
    assert flag in fault
    for metric in (in_language(Bleu(), language) if language else Bleu(tokenize="flores200"), Bleu(tokenize="char")):
        assert list(faults([reference], [reference], metrics=[metric, Chrf()])) == []


def test_ter_needs_to_be_told_of_chinese_and_japanese() -> None:
    for reference in (CHINESE, JAPANESE):
        [fault] = faults([reference], [reference], metrics=[Bleu(tokenize="char"), Ter(asian_support=True)])
        assert fault.endswith("letters: to find words in them, ter wants --ter-normalized --ter-asian-support")
        assert list(faults([reference], [reference], metrics=[Ter(asian_support=True, normalized=True)])) == []
    assert list(faults([KOREAN], [KOREAN], metrics=[Ter()])) == []


def test_references_of_wmt_have_no_fault_and_tokenised_ones_of_multi30k_have(corpora: Path) -> None:
    found = {}
    for file in (
        "newstest2017-en-de/ref.sacrebleu.de.gz",
        "newstest/newstest2014-en-de.de.gz",
        "multi30k/test_2016_flickr.fr.gz",
        "multi30k/test_2016_flickr.lc.norm.tok.de.gz",
        "tatoeba-de-en/valid.de.gz",
    ):
        if (corpora / file).is_file():
            lines = list(read_lines(corpora / file))
            found[file] = list(faults([lines], [lines], metrics=USUAL))
    if not found:
        pytest.skip("none of these among the corpora")
    assert [file for file, told in found.items() if told] == [file for file in found if "norm.tok" in file]
