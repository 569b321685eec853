import re
import sys
from pathlib import Path

import pytest

from nmtk.errors import OptionsError
from nmtk.evaluation.metrics import Bleu, CompoundBleu, evaluate
from nmtk.evaluation.moses import CompoundTokenizer
from nmtk.lines import read_lines


def test_words_are_parted_from_marks_and_compounds_at_their_hyphens() -> None:
    cut = CompoundTokenizer("de")
    assert cut("Der Nord-Süd-Dialog (z.B. 1.250,50 Euro), endet.") == (
        "Der Nord ##AT##-##AT## Süd ##AT##-##AT## Dialog ( z.B. 1.250,50 Euro ) , endet ."
    )
    assert cut("a-b-c - d") == "a ##AT##-##AT## b-c - d"  # a letter takes part in one split only, as in Perl's s///g


def test_the_score_is_bleu_of_text_that_was_cut_beforehand() -> None:
    reference = ["Die Nord-Süd-Achse ist lang.", "Er kam um halb acht nach Hause.", "Das E-Mail-Programm ist neu."]
    hypotheses = ["Die Nord-Süd-Linie ist lang.", "Er kam um halb acht heim.", "Das E-Mail-Programm ist neu."]
    cut = CompoundTokenizer("de")
    [score] = evaluate(hypotheses, [reference], [CompoundBleu()])
    [plain] = evaluate(list(map(cut, hypotheses)), [list(map(cut, reference))], [Bleu(tokenize="none")])
    [usual] = evaluate(hypotheses, [reference])[:1]
    assert score.score == pytest.approx(plain.score)
    assert (score.name, usual.name) == ("compound-BLEU", "BLEU")
    assert "tok:sacremoses-" in score.signature
    assert "-de-compounds" in score.signature


def test_when_sacremoses_is_not_installed_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacremoses", None)
    with pytest.raises(OptionsError, match=r"^compound-bleu: wanted sacremoses .*: pip install 'nmtk\[moses\]'$"):
        evaluate(["a"], [["a"]], ["compound-bleu"])


def test_the_tokens_are_those_of_the_official_reference_of_multi30k(corpora: Path) -> None:
    """Its makers ran Moses' own scripts: quotes normalised, tokenised, lower-cased."""
    official = corpora / "multi30k" / "test_2016_flickr.lc.norm.tok.de.gz"
    if not official.is_file():
        pytest.skip("no tokenised multi30k among the corpora")
    cut = CompoundTokenizer("de")
    split = re.compile(r"(\S)-(\S)")
    raw = list(read_lines(corpora / "multi30k" / "test_2016_flickr.de.gz"))
    theirs = [split.sub(r"\1 ##AT##-##AT## \2", line).lower() for line in read_lines(official)]
    same = sum(cut(line).lower() == line_of_theirs for line, line_of_theirs in zip(raw, theirs, strict=True))
    assert same / len(raw) > 0.98
