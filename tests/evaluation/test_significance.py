import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from nmtk.errors import DataError
from nmtk.evaluation.metrics import Bleu, Chrf, Metric, Ter
from nmtk.evaluation.scores import SIGNIFICANT
from nmtk.evaluation.significance import FEWEST, Resampling, doubts, evaluate_systems
from nmtk.lines import read_lines

REFERENCE = ["Ein Hund schläft im Schatten.", "Zwei Katzen sitzen auf der Mauer.", "Das ist alles, was ich weiß."] * 4
GOOD = [line.replace("sitzen", "sind").replace("alles, was", "das, was") for line in REFERENCE]
BAD = [line.replace("im Schatten", "in der Sonne").replace("Katzen", "Kater").replace("ist", "war") for line in GOOD]
SYSTEMS = [("good", GOOD), ("bad", BAD), ("same", GOOD)]
REFERENCES = [("ref", REFERENCE)]


@pytest.mark.parametrize("seed", ["12345", "7"])
@pytest.mark.parametrize(("paired", "flag"), [("bs", "--paired-bs"), ("ar", "--paired-ar")])
def test_paired_tests_find_what_sacrebleu_itself_prints(
    paired: Literal["bs", "ar"], flag: str, seed: str, tmp_path: Path
) -> None:
    for name, lines in [*SYSTEMS, *REFERENCES]:
        (tmp_path / name).write_text("".join(line + "\n" for line in lines), "utf-8")
    printed = subprocess.run(
        [
            sys.executable,
            "-m",
            *f"sacrebleu ref -i good bad same -m bleu chrf ter {flag} {flag}-n 300".split(),
            "-f",
            "latex",
            "-w",
            "4",
        ],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={name: value for name, value in os.environ.items() if name != "SACREBLEU_FORMAT"}
        | {"SACREBLEU_SEED": seed},
    ).stdout
    rows = [re.findall(r"\d+\.\d{4}", line) for line in printed.splitlines() if re.match(r".*(good|bad|same) +&", line)]
    metrics: list[Metric] = [Bleu(), Chrf(), Ter()]
    ours = evaluate_systems(SYSTEMS, REFERENCES, metrics, resampling=Resampling(paired, 300, seed=seed))
    for name, theirs in zip(ours, rows, strict=True):
        for score in ours[name]:
            found = [score.score, *(score.interval or ()), *([] if score.p_value is None else [score.p_value])]
            if name == "same":  # which it takes for the most different of all, and we for no other
                assert found[-1] == 1
                found[-1] = 1 / 301
            assert [f"{figure:.4f}" for figure in found] == [theirs.pop(0) for _ in found]
            assert {f"{paired}:300", f"seed:{seed}"} <= set(score.signature.split("|"))
        assert theirs == []


def test_systems_differ_or_do_not() -> None:
    found = evaluate_systems(SYSTEMS, REFERENCES, [Bleu()], resampling=Resampling("bs"))
    assert [score.differs for [score] in found.values()] == [False, True, False]


@pytest.mark.parametrize("paired", ["bs", "ar"])
def test_where_there_is_no_difference_it_is_chance(paired: Literal["bs", "ar"]) -> None:
    """Of other lines, too, as of those that have no word of the reference."""
    lines = len(REFERENCES[0][1])
    systems = [("one", ["xyz"] * lines), ("other", ["zyx"] * lines), ("again", ["xyz"] * lines)]
    found = evaluate_systems(systems, REFERENCES, [Bleu()], resampling=Resampling(paired, 50))
    assert [score.p_value for [score] in found.values()] == [None, 1.0, 1.0]
    assert not any(score.differs for [score] in found.values())


@pytest.mark.parametrize("paired", ["bs", "ar"])
def test_a_paired_test_of_few_segments_is_no_verdict(paired: Literal["bs", "ar"]) -> None:
    assert doubts(12, 2, Resampling(paired)).startswith("12 segments are too few for a paired test: ")
    assert doubts(1, 3, Resampling(paired)).startswith("1 segment is too few for a paired test: ")
    assert (
        doubts(FEWEST, 2, Resampling(paired)) == doubts(12, 1, Resampling(paired)) == doubts(12, 2, Resampling()) == ""
    )


def test_without_a_test_a_system_has_the_score_it_has_alone() -> None:
    metrics: list[Metric] = [Bleu(), Ter()]
    together = evaluate_systems(SYSTEMS, REFERENCES, metrics)
    for name, lines in SYSTEMS:
        assert together[name] == evaluate_systems([(name, lines)], REFERENCES, metrics)[name]


def test_randomisation_gives_intervals_where_they_are_asked_for() -> None:
    for asked in (0, 100):
        found = evaluate_systems(SYSTEMS, REFERENCES, [Chrf()], resampling=Resampling("ar", 50, interval=asked))
        assert [bool(score.interval) for [score] in found.values()] == [bool(asked)] * 3


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # sacreBLEU forks
def test_processes_change_nothing() -> None:
    one, two = (
        evaluate_systems(SYSTEMS, REFERENCES, [Bleu()], resampling=Resampling("bs", 50, jobs=jobs)) for jobs in (1, 2)
    )
    assert one == two


def test_the_seed_of_the_environment_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    for before in ("3", None):
        if before:
            monkeypatch.setenv("SACREBLEU_SEED", before)
        else:
            monkeypatch.delenv("SACREBLEU_SEED")
        evaluate_systems(SYSTEMS, REFERENCES, [Chrf()], resampling=Resampling("bs", 10, seed="4"))
        assert os.environ.get("SACREBLEU_SEED") == before


def test_a_system_of_another_length_is_named() -> None:
    with pytest.raises(DataError, match=r"^short has 1 line, but ref has 12 lines: "):
        evaluate_systems([*SYSTEMS, ("short", ["a"])], REFERENCES, [Bleu()])


# What the makers of sacreBLEU compared it with, of WMT17's systems against LIUM's, in words as they stand in the text:
# Moses' script with 2000 resamples (the mean of three runs), and MultEval with 10000 randomisations.
BASELINE = "newstest2017.LIUM-NMT.4900.en-de"
TOLERANCE = 0.01
"""Theirs too: so much do p-values of so many resamples differ by seed."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "resampling"), [("MOSES_P_VALS", Resampling("bs", 2000)), ("MULTEVAL_P_VALS", Resampling("ar", 10000))]
)
def test_published_p_values_of_all_systems_of_wmt17_are_reproduced(
    kind: str, resampling: Resampling, corpora: Path
) -> None:
    folder = corpora / "newstest2017-en-de"
    if not folder.is_dir():
        pytest.skip("no newstest2017-en-de among the corpora")
    rows = [line.split("\t") for line in read_lines(folder / "published-scores.tsv")]
    published = {name: float(values.strip("()").split(",")[0]) for found, name, values in rows if found == kind}
    assert len(published) == 15
    systems = [(name, list(read_lines(folder / "systems" / f"{name}.gz"))) for name in (BASELINE, *published)]
    reference = ("ref", list(read_lines(folder / "ref.sacrebleu.de.gz")))
    found = evaluate_systems(systems, [reference], [Bleu(tokenize="none")], resampling=resampling)
    for name, wanted in published.items():
        [score] = found[name]
        assert score.p_value == pytest.approx(wanted, abs=TOLERANCE), name
        if abs(wanted - SIGNIFICANT) > TOLERANCE:
            assert score.differs == (wanted < SIGNIFICANT), name
