import json
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from nmtk.decoding.translator import Translation
from nmtk.translation import report as module
from nmtk.translation.report import CASES, Report, reporting
from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.vocabulary import Vocabulary

FINE = Translation("a b", -1.0, -1.0, [5, 6], [-0.5, -0.4, -0.1], parts=1, cut=False, pairs=[([3, 3, 3], [5, 6])])
ODD = {
    "empty": {"parts": 0, "text": ""},
    "blank": {"text": " "},
    "split": {"parts": 2},
    "cut": {"cut": True},
    "looped": {"looped": True},
    "unmet": {"unmet": True},
    "breached": {"breached": True},
}


@pytest.fixture(scope="module", params=[True, False], ids=["bytes", "no bytes"])
def vocabulary(request: pytest.FixtureRequest) -> Vocabulary:
    """It has pieces for small letters only, and spells all else in bytes or not at all."""
    size = 19 + 256 * request.param
    options = VocabularyOptions(size=size, byte_fallback=request.param)
    return Vocabulary(learn(["the dog runs", "a cat sings"] * 20, options))


def of(vocabulary: Vocabulary, text: str) -> Translation:
    """A translation of a text, in two parts."""
    [ids] = vocabulary.encode([text])
    return FINE._replace(pairs=[(ids[:2], [5]), (ids[2:], [6])])


def written(report: Report, path: Path, **about: Any) -> Any:
    report.write(path / "report.json", about)
    return json.loads((path / "report.json").read_text("utf-8"))


def test_each_line_stands_under_each_case_that_holds_of_it(vocabulary: Vocabulary, tmp_path: Path) -> None:
    assert ODD.keys() == CASES.keys()
    report = Report(vocabulary)
    report.add([""] * 2, [FINE, FINE])
    for change in ODD.values():
        report.add(["", ""], [FINE._replace(**change), FINE])
    report.add([""], [FINE._replace(cut=True, looped=True)])
    found = written(report, tmp_path, models=["m"])
    for number, name in enumerate(ODD):
        lines = [3 + 2 * number, *([17] if name in ("cut", "looped") else [])]
        assert found[name] == {"count": len(lines), "lines": lines}
    assert (found["lines"], found["source_tokens"], found["target_tokens"]) == (17, 51, 34)
    assert found["models"] == ["m"]
    assert list(report.warnings()) == [
        "1 of 17 translations are empty, of lines that are not",
        "1 of 17 lines were too long and translated in parts",
        "2 of 17 translations reached the longest length allowed",
        "2 of 17 translations go round in circles",
        "1 of 17 translations lack a phrase that was required",
        "1 of 17 translations hold a phrase that was forbidden",
    ]


def test_symbols_that_the_vocabulary_does_not_know_are_counted(vocabulary: Vocabulary, tmp_path: Path) -> None:
    report = Report(vocabulary)
    texts = ["the dog", "the 犬 runs", "犬犬猫 猫", ""]
    report.add(texts, [of(vocabulary, text) for text in texts])
    found = written(report, tmp_path)
    assert found["unknown"] == {"count": 2, "lines": [2, 3]}
    assert found["unknown_symbols"] == {"犬": 3, "猫": 2}
    assert found["unknown_symbols_not_listed"] == 0
    assert found["source_tokens"] == sum(map(len, vocabulary.encode(texts)))


def test_no_more_symbols_are_kept_than_some(
    vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SYMBOLS", 2)
    report = Report(vocabulary)
    texts = ["犬 猫 鳥 犬", "鳥 魚"]
    report.add(texts, [of(vocabulary, text) for text in texts])
    found = written(report, tmp_path)
    assert found["unknown_symbols"] == {"犬": 2, "猫": 1}
    assert found["unknown_symbols_not_listed"] == 3


def test_nothing_is_said_of_nothing(vocabulary: Vocabulary, tmp_path: Path) -> None:
    report = Report(vocabulary)
    found = written(report, tmp_path)
    assert found["lines"] == 0
    assert all(found[name] == {"count": 0, "lines": []} for name in (*CASES, "unknown"))
    assert list(report.warnings()) == []


def test_memory_does_not_grow_but_for_the_numbers(vocabulary: Vocabulary, tmp_path: Path) -> None:
    """8 bytes for each line that is told of, in memory and while it is written."""
    report, lines = Report(vocabulary), 50_000
    tracemalloc.start()
    for _ in range(lines // 1000):
        report.add([""] * 1000, [FINE._replace(cut=True)] * 1000)
    report.write(tmp_path / "report.json", {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * lines * 2 + 1_000_000
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["cut"] == {"count": lines, "lines": list(range(1, lines + 1))}


def test_a_report_is_there_from_the_first_and_says_whether_it_finished(vocabulary: Vocabulary, tmp_path: Path) -> None:
    path, report = tmp_path / "report.json", Report(vocabulary)

    def finished() -> Any:
        return json.loads(path.read_text())["finished"]

    with suppress(KeyboardInterrupt), reporting(report, path, {}):
        raise KeyboardInterrupt
    assert not path.exists()
    with reporting(report, path, {}) as begin:
        begin()
        assert not finished()
    assert finished()
    with suppress(KeyboardInterrupt), reporting(report, path, {}) as begin:
        begin()
        report.add([""], [FINE])
        raise KeyboardInterrupt
    assert not finished()
    assert json.loads(path.read_text())["lines"] == 1
