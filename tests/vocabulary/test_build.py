from pathlib import Path

import pytest

from nmtk.errors import DataError
from nmtk.vocabulary import build as module
from nmtk.vocabulary.build import Row, build, table
from nmtk.vocabulary.learn import VocabularyOptions
from nmtk.vocabulary.measure import Fit, measure
from nmtk.vocabulary.vocabulary import Vocabulary


def test_a_measure_is_what_counting_by_hand_gives(learned: Vocabulary) -> None:
    lines = ["ba le", "", "mün 😀"]
    pieces = sum(map(len, learned.encode(lines)))
    assert measure(learned, lines) == Fit(lines=3, words=4, pieces=pieces, characters=8, covered=7)


def test_ratios_of_a_measure() -> None:
    fit = Fit(lines=4, words=10, pieces=15, characters=50, covered=49)
    assert (fit.pieces_per_word, fit.pieces_per_line, fit.coverage) == (1.5, 3.75, 0.98)
    assert Fit(0, 0, 0, 0, 0).coverage == 1.0


def test_coverage_is_never_rounded_up_to_all() -> None:
    rows = [Row("one", 10, Fit(1, 1, 1, 10_000_000, 9_999_999)), Row("another", 7, Fit(1, 1, 1, 9, 9))]
    assert table(rows) == [
        "file     lines  pieces/word  pieces/line   coverage",
        "one         10         1.00          1.0   99.999 %",
        "another      7         1.00          1.0  100.000 %",
    ]


def test_samples_are_told_of(text: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEASURED", 100)
    (tmp_path / "text").write_text("\n".join(text))
    told: list[str] = []
    build([tmp_path / "text"], tmp_path / "v.model", VocabularyOptions(size=300, sample=200), told.append)
    assert told[0] == f"{tmp_path / 'v.model'}: 300 unigram pieces from {len(text)} lines"
    assert told[3:] == ["learned from 200 of the lines, drawn uniformly", "measured on 100 lines of each longer file"]


def test_the_text_itself_is_never_written_over(text: list[str], tmp_path: Path) -> None:
    (tmp_path / "text").write_text("\n".join(text))
    (tmp_path / "link").symlink_to("text")
    for output, message in ((tmp_path / "link", "is the text to learn from"), (tmp_path, "is a folder")):
        with pytest.raises(DataError, match=message):
            build([tmp_path / "text"], output, VocabularyOptions(size=300))
    assert (tmp_path / "text").read_text() == "\n".join(text)


def test_real_text(corpora: Path, tmp_path: Path) -> None:
    """2000 joint pieces cut captions into less than two a word, and spell all but a few characters."""
    told: list[str] = []
    files = [corpora / "multi30k" / f"val.{language}.gz" for language in ("de", "en")]
    build(files, tmp_path / "v.model", VocabularyOptions(size=2000), told.append)
    for line in told[2:]:
        _, lines, per_word, _, coverage, _ = line.split()
        assert lines == "1014"
        assert 1.0 < float(per_word) < 2.0
        assert float(coverage) > 99.9
