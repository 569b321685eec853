import gzip
import importlib.util
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import get_args
from urllib.error import URLError

import pytest
from sacrebleu.metrics import BLEU

from nmtk.errors import DataError, OptionsError
from nmtk.evaluation.metrics import (
    METRICS,
    Bleu,
    Chrf,
    ChrfPlusPlus,
    Metric,
    Ter,
    check_lengths,
    evaluate,
    in_language,
    metric_named,
)
from nmtk.evaluation.names import USUAL, MetricName, Tokenizer
from nmtk.lines import read_lines

REFERENCE = [
    "Zwei junge Männer sind im Freien, in der Nähe vieler Büsche.",
    "Mehrere Männer mit Schutzhelmen bedienen ein Antriebsradsystem.",
    "Ein kleines Mädchen klettert in ein Spielhaus aus Holz.",
    'Er sagte: "Das kostet 1.250,50 Euro – mehr nicht!"',
    "",
]
HYPOTHESES = [
    "Zwei junge Männer stehen im Freien in der Nähe vieler Büsche.",
    "Einige männer mit Helmen bedienen ein System aus Rädern.",
    "Ein kleines Mädchen klettert in ein hölzernes Spielhaus.",
    "Er sagte: „Das kostet 1250,50 Euro, mehr nicht!“",
    "Nichts.",
]
SOURCE = [f"sentence {i}" for i in range(len(REFERENCE))]
OTHER_REFERENCE = [line.replace("Männer", "Burschen").replace("klettert", "steigt") for line in REFERENCE]


def write(path: Path, lines: Sequence[str]) -> str:
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("metrics", "flags"),
    [
        ([Bleu()], "-m bleu"),
        ([Bleu(lowercase=True, tokenize="intl")], "-m bleu -lc -tok intl"),
        ([Bleu(), Chrf(), Ter()], "-m bleu chrf ter"),
        ([Bleu(tokenize="none"), Chrf(lowercase=True)], "-m bleu chrf -tok none --chrf-lowercase"),
        ([Bleu(), Chrf()], "-m bleu chrf --confidence --confidence-n 200"),
        ([Bleu(smooth_method="floor")], "-m bleu --smooth-method floor"),
        ([Bleu(smooth_method="add-k", smooth_value=0.5)], "-m bleu --smooth-method add-k --smooth-value 0.5"),
        ([Chrf(eps_smoothing=True)], "-m chrf --chrf-eps-smoothing"),
        ([Ter(normalized=True, asian_support=True)], "-m ter --ter-normalized --ter-asian-support"),
        ([Ter(no_punct=True, case_sensitive=True)], "-m ter --ter-no-punct --ter-case-sensitive"),
        ([ChrfPlusPlus(eps_smoothing=True)], "-m chrf --chrf-word-order 2 --chrf-eps-smoothing"),
        (
            [Ter(case_sensitive=True, normalized=True, no_punct=True)],
            "-m ter --ter-case-sensitive --ter-normalized --ter-no-punct",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("references", [[REFERENCE], [REFERENCE, OTHER_REFERENCE]], ids=["one", "two"])
def test_a_score_is_what_sacrebleu_itself_prints(
    metrics: list[Metric], flags: str, references: list[list[str]], tmp_path: Path
) -> None:
    files = [write(tmp_path / f"reference{i}", lines) for i, lines in enumerate(references)]
    hypotheses = write(tmp_path / "hypotheses", HYPOTHESES)
    printed = subprocess.run(
        [sys.executable, "-m", "sacrebleu", *files, "-i", hypotheses, *flags.split(), "--format", "json", "-w", "3"],
        capture_output=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name != "SACREBLEU_FORMAT"},
    )
    theirs = json.loads(printed.stdout)
    resamples = 200 if "--confidence" in flags else 0
    ours = [score.json(3) for score in evaluate(HYPOTHESES, references, metrics, resamples=resamples)]
    assert ours == (theirs if isinstance(theirs, list) else [theirs])


@pytest.mark.usefixtures("comet")
@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_better_in_the_direction_it_names(name: str) -> None:
    [perfect], [good], [bad] = (
        evaluate(lines, [REFERENCE], [name], SOURCE) for lines in (REFERENCE, HYPOTHESES, ["Nichts davon stimmt."] * 5)
    )
    ranked = sorted([good.score, perfect.score, bad.score], reverse=METRICS[name].higher_is_better)
    assert ranked == [perfect.score, good.score, bad.score]
    assert perfect.higher_is_better == METRICS[name].higher_is_better


@pytest.mark.usefixtures("comet")
@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_lines_does_not_matter(name: str) -> None:
    order = random.Random(1).sample(range(len(REFERENCE)), len(REFERENCE))
    hypotheses, reference, source = ([text[i] for i in order] for text in (HYPOTHESES, REFERENCE, SOURCE))
    [one], [other] = (
        evaluate(hypotheses, [reference], [name], source),
        evaluate(HYPOTHESES, [REFERENCE], [name], SOURCE),
    )
    assert one.score == pytest.approx(other.score)


NEEDED = {"smooth_value": {"smooth_method": "floor"}}
"""Settings without which another means nothing."""
NOT_AT_HAND = ("13a", "flores101", "flores200", "ja-mecab", "ko-mecab", "spBLEU-1K", "spm")
"""Tokenisers whose packages or models may be missing, and the one that is there anyway."""


@pytest.mark.usefixtures("comet")
@pytest.mark.parametrize("name", METRICS)
def test_every_setting_shows_in_the_score(name: str) -> None:
    """Two figures that are not comparable never look alike: the name or the signature differs."""
    for field, about in METRICS[name].model_fields.items():
        if field == "kind":
            continue
        plain = METRICS[name](**NEEDED.get(field, {}))
        value = getattr(plain, field)
        names = [choice for arm in (about.annotation, *get_args(about.annotation)) for choice in get_args(arm)]
        choices = [choice for choice in names if isinstance(choice, str) and choice not in (value, *NOT_AT_HAND)]
        other = {"smooth_value": 0.5, "language": "fr", "model": "none"}.get(
            field, choices[0] if choices else not value
        )
        [one, two] = evaluate(HYPOTHESES, [REFERENCE], [plain, plain.model_copy(update={field: other})], SOURCE)
        assert (one.name, one.signature) != (two.name, two.signature), field


def test_scores_come_in_the_order_asked_for() -> None:
    scores = evaluate(HYPOTHESES, [REFERENCE], ["ter", "chrf++", Bleu(lowercase=True)])
    assert [score.name for score in scores] == ["TER", "chrF2++", "BLEU"]
    assert "case:lc" in scores[2].signature


def test_the_command_line_knows_the_same_names() -> None:
    assert list(METRICS) == list(MetricName)
    assert set(USUAL) <= METRICS.keys()
    assert set(get_args(Tokenizer)) <= set(BLEU.TOKENIZERS)


def test_the_score_has_as_many_decimals_as_asked_for() -> None:
    [score] = evaluate(HYPOTHESES, [REFERENCE], ["bleu"])
    assert score.json(0)["score"] == round(score.score)
    assert score.json(4)["score"] == round(score.score, 4) != score.score


def test_an_unknown_metric_is_named_with_its_nearest() -> None:
    with pytest.raises(OptionsError, match=r"^metric: found 'blue', wanted one of bleu, .*; did you mean bleu\?$"):
        metric_named("blue")


@pytest.mark.parametrize(
    ("language", "tokenizer"),
    [("zh", "zh"), ("zh-Hans", "zh"), ("zho_Hant", "zh"), ("ja", "ja-mecab"), ("ko_KR", "ko-mecab"), ("pt-BR", "13a")],
)
def test_bleu_finds_words_as_the_language_needs_unless_it_was_told_how(language: str, tokenizer: Tokenizer) -> None:
    assert in_language(Bleu(lowercase=True), language) == Bleu(lowercase=True, tokenize=tokenizer)
    assert in_language(Bleu(tokenize=None), language) == Bleu(tokenize=tokenizer)
    assert in_language(Bleu(tokenize="char"), language) == Bleu(tokenize="char")
    assert in_language(Bleu(), "") == Bleu()
    assert in_language(Ter(), language) == Ter()


def test_chinese_has_words_in_bleu() -> None:
    """For 13a a sentence without blanks is a single word."""
    hypotheses, reference = ["那个老人坐在河边看书。"] * 3, ["那个老人坐在树下看书。"] * 3
    [unknown], [chinese], [wanted] = (
        evaluate(hypotheses, [reference], [metric])
        for metric in (Bleu(), in_language(Bleu(), "zh-CN"), Bleu(tokenize="zh"))
    )
    assert unknown.score == 0
    assert chinese == wanted
    assert 50 < chinese.score < 100


def test_texts_that_do_not_match_are_named_with_their_counts() -> None:
    with pytest.raises(DataError, match=r"^out\.de has 1 line, but ref\.de has 1,200 lines: "):
        check_lengths(("out.de", ["a"]), ("ok.de", ["a"]), ("ref.de", ["b"] * 1200))
    with pytest.raises(DataError, match=r"^the hypotheses has 2 lines, but reference 2 has 1 line: "):
        evaluate(["a", "b"], [["a", "b"], ["a"]])


def test_nothing_cannot_be_scored() -> None:
    with pytest.raises(DataError, match=r"^out: no lines, wanted at least one"):
        check_lengths(("out", []), ("ref", []))
    with pytest.raises(DataError, match="no reference to score against"):
        evaluate(["a"], [])


@pytest.mark.skipif(importlib.util.find_spec("MeCab") is not None, reason="MeCab is installed")
def test_a_tokeniser_that_is_not_installed_says_what_to_install() -> None:
    with pytest.raises(OptionsError, match=r"^bleu\.tokenize: ja-mecab cannot be used: .*pip install sacrebleu\[ja\]$"):
        evaluate(["a"], [["a"]], [Bleu(tokenize="ja-mecab")])


@pytest.mark.parametrize("failure", [URLError("Name or service not known"), HTTPException("Name or service not known")])
def test_a_tokeniser_whose_model_cannot_be_fetched_says_where_it_is_wanted(
    failure: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(source: str, place: str) -> None:
        raise failure

    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_spm.SACREBLEU_DIR", str(tmp_path))
    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_spm.download_file", fail)
    with pytest.raises(
        OptionsError,
        match=r"^bleu\.tokenize: flores200: its model cannot be fetched from https:\S+: Name or service not known: "
        r"wanted it as \S+/models/flores200sacrebleuspm, or another tokeniser$",
    ):
        evaluate(["a"], [["a"]], [Bleu(tokenize="flores200")])


def test_only_some_ways_to_smooth_have_a_value() -> None:
    with pytest.raises(ValueError, match="smooth_value: found one for exp, wanted smooth_method floor or add-k"):
        Bleu(smooth_value=0.5)


# The figures that the organisers of WMT17 published were made by other programs: mteval-v13a and -v14, TERCOM, chrF++.
PUBLISHED = {
    "MTEVAL": (Bleu(), 2, 1),
    "MTEVAL14": (Bleu(tokenize="intl"), 2, 1),
    "CHRF": (Chrf(), 4, 1),
    "CHRFPP": (ChrfPlusPlus(eps_smoothing=True), 4, 1),
    "TER": (Ter(), 3, 100),
}
"""The metric of each kind of published figure, its decimals, and what it was divided by."""


def check_published(corpora: Path, kind: str, system: str = "") -> int:
    """Check the published figures of a kind, or that of one system, and count them."""
    folder = corpora / "newstest2017-en-de"
    if not folder.is_dir():
        pytest.skip("no newstest2017-en-de among the corpora")
    reference = list(read_lines(folder / "ref.sacrebleu.de.gz"))
    metric, decimals, divisor = PUBLISHED[kind]
    rows = [line.split("\t") for line in read_lines(folder / "published-scores.tsv")]
    wanted = {name: figure for found, name, figure in rows if found == kind and system in name}
    for name, figure in wanted.items():
        [score] = evaluate(list(read_lines(folder / "systems" / f"{name}.gz")), [reference], [metric])
        assert f"{score.score / divisor:.{decimals}f}" == f"{float(figure):.{decimals}f}", name
    return len(wanted)


@pytest.mark.parametrize(("kind", "system"), [("MTEVAL", "LIUM"), ("MTEVAL", "uedin"), ("MTEVAL14", "LIUM")])
def test_published_figures_of_wmt17_are_reproduced(kind: str, system: str, corpora: Path) -> None:
    assert check_published(corpora, kind, system) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("MTEVAL", 16), ("MTEVAL14", 1), ("CHRF", 2), ("CHRFPP", 2), ("TER", 16)])
def test_all_published_figures_of_wmt17_are_reproduced(kind: str, count: int, corpora: Path) -> None:
    assert check_published(corpora, kind) == count


def test_compressed_and_plain_references_score_the_same(tmp_path: Path) -> None:
    text = "".join(line + "\n" for line in REFERENCE).encode()
    (tmp_path / "r").write_bytes(text)
    (tmp_path / "r.gz").write_bytes(gzip.compress(text))
    one, other = (evaluate(HYPOTHESES, [list(read_lines(tmp_path / name))]) for name in ("r", "r.gz"))
    assert one == other
