"""`nmtk doctor` says what it finds as text and as JSON, and its exit code says how bad that is."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmtk.vocabulary.learn import VocabularyOptions, learn

Nmtk = Callable[..., Any]
SOURCE, TARGET = "a dog runs\ntwo dogs run\nthree &amp; four\n", "ein Hund rennt\nzwei Hunde rennen\ndrei & vier\n"

UNSEEN = "swapped and untranslated pairs, other languages and other scripts, shifted and shuffled lines, odd lengths"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("s", SOURCE), ("t", TARGET), ("short", TARGET[:-12]), ("fine", "eins\nzwei\ndrei\n")):
        Path(name).write_text(text, "utf-8")


def test_the_report_for_people(nmtk: Nmtk) -> None:
    ended = nmtk("doctor", "s", "t")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "pairs: 3 pairs of s and t",
        "  source: 9 words, 3.0 a line, 38 characters",
        "  target: 9 words, 3.0 a line, 42 characters",
        "  warning  HTML entities in the source: 1 (33.33%); decode them, as html.unescape does",
        "           s:3: three &amp; four",
        f"  note     3 pairs are too few to look for {UNSEEN}; these take 200 pairs",
        "",
        "1 warning, 1 note",
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["s", "fine"], 0),
        (["s", "t", "--fail-on", "warning"], 1),
        (["t", "fine", "--fail-on", "warning"], 0),
        (["s", "short"], 1),
        (["s", "short", "--fail-on", "never"], 0),
    ],
)
def test_the_exit_code(nmtk: Nmtk, arguments: list[str], code: int) -> None:
    ended = nmtk("doctor", *arguments)
    assert (ended.code, ended.err) == (code, "")


def test_the_report_for_programs(nmtk: Nmtk) -> None:
    ended = nmtk("doctor", "s", "short", "--format", "json", "-n", 1, "--test", "t,t")
    found = json.loads(ended.out)
    assert found["worst"] == "error"
    first, second = found["texts"]
    assert (first["name"], first["files"], first["pairs"], first["pieces"]) == ("pairs", ["s", "short"], 2, None)
    assert first["findings"][0] == {
        "fault": "line counts",
        "severity": "error",
        "says": "s has 3 lines and short has 2",
        "mend": "a download broke off, or a line was split or lost",
        "count": 1,
        "share": 0.0,
        "examples": [{"file": "s", "line": 3, "text": "1 more than short"}],
    }
    assert [(one["fault"], one["count"]) for one in first["findings"][1:]] == [
        ("overlap", 2),
        ("too few", 0),
    ]
    assert [(one["fault"], one["count"], one["severity"]) for one in second["findings"]] == [
        ("identical", 3, "error"),
        ("too few", 0, "note"),
    ]


def test_a_vocabulary_that_does_not_know_a_character(nmtk: Nmtk) -> None:
    options = VocabularyOptions.parse({"size": 40, "kind": "char", "byte_fallback": False, "coverage": 1.0}, "test")
    Path("v.model").write_bytes(learn(f"{SOURCE}{TARGET}".split("\n"), options))
    Path("odd").write_text("ein Hund\nñandú ñ\ndrei\n", "utf-8")
    ended = nmtk("doctor", "s", "odd", "--vocabulary", "v.model")
    assert "  warning  characters without a piece in the target: 1 (33.33%)" in ended.out
    assert "odd:2: ñú in: ñandú ñ" in ended.out
    assert "  source: 9 words, 3.0 a line, 38 characters, 4.56 pieces a word" in ended.out


def test_pairs_from_standard_input(nmtk: Nmtk) -> None:
    ended = nmtk("doctor", "-", stdin="a\tb\nc\t\n")
    assert "target is empty" in ended.out
    assert "standard input:2: " in ended.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["s", "nowhere"], 1, "nmtk: error: nowhere: no such file"),
        (["quickstrat"], 1, "quickstrat: no such file or recipe; did you mean quickstart?"),
        (["shor"], 1, "shor: no such file or recipe; did you mean short?"),
        (["nowhere/pairs.tsv"], 1, "nowhere/pairs.tsv: no such file or recipe"),
        (["-", "-"], 1, "found standard input for two texts"),
        (["s", "t", "--vocabulary", "s"], 1, "s: no SentencePiece model"),
        (["s", "t", "--vocabulary", "nowhere"], 1, "nowhere: found no vocabulary"),
        (["s", "t", "fine"], 2, "found 3, wanted a recipe, or the files of the two sides"),
        (["s", "t", "--test", "t"], 2, "found t, wanted two files, as SOURCE,TARGET"),
        (["quickstart", "--test", "s,t"], 2, "a recipe has sets of its own"),
        (["--test", "s,t"], 2, "wanted text to examine"),
    ],
)
def test_what_cannot_be_examined(nmtk: Nmtk, arguments: list[str], code: int, message: str) -> None:
    ended = nmtk("doctor", *arguments)
    assert ended.code == code
    assert message in " ".join(ended.err.split())
    assert "Traceback" not in ended.err


def test_this_machine(nmtk: Nmtk) -> None:
    facts = json.loads(nmtk("doctor", "-f", "json").out)
    assert facts["python"] == sys.version.split()[0]
    assert facts["devices"][-1]["device"] == "cpu"
    assert facts["cores"] >= 1
    assert facts["here"]["folder"] == str(Path().absolute())
    lines = nmtk("doctor").out.splitlines()
    assert lines[0].split()[0] == "nmtk"
    assert {line.split()[0] for line in lines} >= {"torch", "cpu", "cache", "here"}


def test_the_machine_is_told_without_what_only_work_needs() -> None:
    code = (
        "import sys; from nmtk.cli.app import main; sys.argv = ['nmtk', 'doctor']\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "nmtk.recipe.machine" in ended.stderr.split()
    assert not {"sacrebleu", "transformers", "ctranslate2", "nmtk.recipe.doctor"} & set(ended.stderr.split())
