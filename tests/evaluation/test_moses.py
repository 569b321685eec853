import math
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from nmtk.errors import OptionsError
from nmtk.evaluation.metrics import Bleu, CompoundBleu, TokenisedBleu, evaluate, in_language
from nmtk.evaluation.moses import CompoundTokens, NormalisedTokens
from nmtk.lines import read_lines


def test_words_are_parted_from_marks_and_compounds_at_their_hyphens() -> None:
    cut = CompoundTokens("de")
    assert cut("Der Nord-Süd-Dialog (z.B. 1.250,50 Euro), endet.") == (
        "Der Nord ##AT##-##AT## Süd ##AT##-##AT## Dialog ( z.B. 1.250,50 Euro ) , endet ."
    )
    assert cut("a-b-c - d") == "a ##AT##-##AT## b-c - d"  # a letter takes part in one split only, as in Perl's s///g


def test_the_score_is_bleu_of_text_that_was_cut_beforehand() -> None:
    reference = ["Die Nord-Süd-Achse ist lang.", "Er kam um halb acht nach Hause.", "Das E-Mail-Programm ist neu."]
    hypotheses = ["Die Nord-Süd-Linie ist lang.", "Er kam um halb acht heim.", "Das E-Mail-Programm ist neu."]
    cut = CompoundTokens("de")
    [score] = evaluate(hypotheses, [reference], [CompoundBleu()])
    [plain] = evaluate(list(map(cut, hypotheses)), [list(map(cut, reference))], [Bleu(tokenize="none")])
    [usual] = evaluate(hypotheses, [reference])[:1]
    assert score.score == pytest.approx(plain.score)
    assert (score.name, usual.name) == ("compound-BLEU", "BLEU")
    assert "tok:sacremoses-" in score.signature
    assert "-de-compounds" in score.signature


RAW = [
    "Ein „Hund“ schläft – im Schatten, sagt O'Hara.",
    "Zwei Katzen & ein Hund sitzen auf der Mauer.",
    "Das ist alles.",
]
TRANSLATIONS = [
    "Ein »hund« schläft im Schatten, sagt O’Hara.",
    "Zwei katzen & Hunde sitzen auf der Mauer!",
    "Das war's.",
]


def multi_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """BLEU of tokens parted by blanks, as multi-bleu.perl has it, in so many words."""
    pairs = [(one.split(), other.split()) for one, other in zip(hypotheses, references, strict=True)]
    logs = 0.0
    for order in range(1, 5):
        grams = [
            [Counter(tuple(words[at : at + order]) for at in range(len(words) - order + 1)) for words in pair]
            for pair in pairs
        ]
        matches = sum((one & other).total() for one, other in grams)
        total = sum(one.total() for one, _ in grams)
        if not matches:
            return 0.0
        logs += math.log(matches / total) / 4
    here, there = (sum(len(pair[side]) for pair in pairs) for side in (0, 1))
    return 100 * math.exp(logs + min(0.0, 1 - there / here))


def lowered(lines: Sequence[str]) -> list[str]:
    cut = NormalisedTokens("de")
    return [cut(line.lower()) for line in lines]


def test_punctuation_is_normalised_and_entities_stand_for_what_moses_escapes() -> None:
    assert lowered(RAW[:2]) == [
        "ein &quot; hund &quot; schläft - im schatten , sagt o &apos; hara .",
        "zwei katzen &amp; ein hund sitzen auf der mauer .",
    ]


@pytest.mark.parametrize("lines", [TRANSLATIONS, TRANSLATIONS[:1] * 3], ids=["some", "worse"])
def test_tokenised_bleu_is_that_of_multi_bleu_for_text_cut_beforehand(lines: list[str]) -> None:
    [score] = evaluate(lines, [RAW], [TokenisedBleu()])
    assert score.score == pytest.approx(multi_bleu(lowered(lines), lowered(RAW)))
    assert score.name == "tokenised-BLEU"
    assert "|case:lc|eff:no|tok:sacremoses-" in score.signature
    assert "-de-normalised|smooth:none|" in score.signature


def test_it_is_not_smoothed() -> None:
    assert evaluate(["Das ist ein Hund."], [["Das war die Katze."]], [TokenisedBleu()])[0].score == 0


def test_references_that_are_tokens_already_are_only_lowered() -> None:
    [raw] = evaluate(TRANSLATIONS, [RAW], [TokenisedBleu()])
    [cut] = evaluate(TRANSLATIONS, [lowered(RAW)], [TokenisedBleu(reference="tokenised")])
    [upper] = evaluate(TRANSLATIONS, [[line.title() for line in lowered(RAW)]], [TokenisedBleu(reference="tokenised")])
    assert raw.score == cut.score == upper.score
    assert "|ref:tokenised|" in cut.signature
    assert "ref:" not in raw.signature.replace("nrefs:", "")
    [twice] = evaluate(TRANSLATIONS, [lowered(RAW)], [TokenisedBleu()])
    assert twice.score < cut.score  # `&quot;` becomes `&amp; quot ;`


def test_case_counts_where_that_is_asked_for() -> None:
    [lower, cased] = evaluate(TRANSLATIONS, [RAW], [TokenisedBleu(), TokenisedBleu(lowercase=False)])
    assert lower.score > cased.score
    assert "|case:mixed|" in cased.signature


def test_a_metric_takes_the_language_of_the_text_unless_it_was_told_another() -> None:
    assert in_language(TokenisedBleu(), "pt-BR") == TokenisedBleu(language="pt")
    assert in_language(CompoundBleu(language="de"), "fr") == CompoundBleu()


@pytest.mark.parametrize("metric", ["compound-bleu", "tokenised-bleu"])
def test_when_sacremoses_is_not_installed_the_message_says_what_to_install(
    metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sacremoses", None)
    with pytest.raises(OptionsError, match=rf"^{metric}: wanted sacremoses .*: pip install 'nmtk\[moses\]'$"):
        evaluate(["a"], [["a"]], [metric])


def test_the_tokens_are_those_of_the_official_reference_of_multi30k(corpora: Path) -> None:
    """Its makers ran Moses' own scripts: lower-cased, punctuation normalised, tokenised."""
    official = corpora / "multi30k" / "test_2016_flickr.lc.norm.tok.de.gz"
    if not official.is_file():
        pytest.skip("no tokenised multi30k among the corpora")
    raw = list(read_lines(corpora / "multi30k" / "test_2016_flickr.de.gz"))
    assert lowered(raw) == list(read_lines(official))
    one, other = TokenisedBleu(), TokenisedBleu(reference="tokenised")
    translations = [*raw[1:], raw[0]]
    [ours], [theirs] = (
        evaluate(translations, [reference], [metric])
        for reference, metric in ((raw, one), (list(read_lines(official)), other))
    )
    assert ours.score == theirs.score
