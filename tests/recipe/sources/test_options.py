"""The recipe's `data.files`: what each entry takes, and what is said of what it cannot take."""

import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from nmtk.documents import Document, parse_yaml
from nmtk.errors import OptionsError
from nmtk.recipe.data import DataOptions

HASH = "0" * 64
FILES: Document = {
    "wmt/all.tgz": {"url": "https://example.org/a", "sha256": HASH},
    "wmt/a.en": {"archive": "wmt/all.tgz", "member": "training/a.en", "sha256": HASH},
    "wmt/b.en": {"archive": "wmt/all.tgz", "member": "dev/b.sgm", "markup": "sgml"},
    "c.en": {"sacrebleu": "wmt14/full", "pair": "en-de", "side": "source"},
    "d.de": {"mtdata": "Statmt-europarl-10-deu-eng", "language": "deu"},
    "e.en": {"mtdata": "Statmt-news_crawl-2017-eng", "language": "eng"},
    "f.en": {"join": ["wmt/a.en", "anything"]},
    "g.en": {"sha256": HASH},
    "h.en": {},
}
KINDS = ["url", "archive", "archive", "sacrebleu", "mtdata", "mtdata", "join", "at-hand", "at-hand"]


def parse(files: Document) -> DataOptions:
    sides = {"source": "a", "target": "b"}
    document = {"source": "en", "target": "de", "files": files, "train": [sides], "valid": sides}
    return DataOptions.parse(document, "r")


def test_the_key_of_an_entry_tells_its_source() -> None:
    assert [file.document()["kind"] for file in parse(FILES).files.values()] == KINDS


def test_a_document_written_out_or_short_reads_back_the_same() -> None:
    data = parse(FILES)
    assert DataOptions.parse(data.document(), "r") == DataOptions.parse(data.minimal(), "r") == data


def test_the_readme_shows_entries_that_are_taken() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```yaml\ndata:\n  files:\n(.*?)```", readme, re.DOTALL)
    files = parse_yaml(dedent(block).replace("HASH", "a" * 64), "README.md")
    assert {file.document()["kind"] for file in parse(files).files.values()} == set(KINDS) - {"at-hand"}


def test_what_earlier_runs_noted_of_a_file_at_hand_is_still_read() -> None:
    assert parse({"a": {"url": [], "sha256": HASH}}) == parse({"a": {"sha256": HASH}})


def test_a_path_in_an_archive_may_begin_with_a_dot() -> None:
    files = parse({"all.tgz": {}, "a": {"archive": "all.tgz", "member": "./x//a"}}).files
    assert files["a"].document()["member"] == "x/a"


SOURCES = "url, archive, sacrebleu, mtdata or join"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"url": "https://a", "archive": "all.tgz"}, f"files.a: found url and archive, wanted one of {SOURCES}"),
        ({"join": ["b"], "mtdata": "x"}, f"files.a: found mtdata and join, wanted one of {SOURCES}"),
        ({"urll": "https://a"}, f"files.a: found urll, wanted {SOURCES}; did you mean url?"),
        ({"member": "a"}, f"files.a: found member, wanted {SOURCES}"),
        ({"archive": "all.tgz"}, "files.a.member is missing"),
        ({"archive": "all.tgz", "membr": "a"}, "files.a.member is missing"),
        (
            {"archive": "all.tgz", "member": "a", "markp": "sgml"},
            "unknown key files.a.markp; did you mean markup?",
        ),
        (
            {"archive": "all.tgz", "member": "a", "markup": "sgm"},
            'files.a.markup: found "sgm", wanted one of sgml, iwslt; did you mean sgml?',
        ),
        (
            {"archive": "all.tgz", "member": "x/../../a"},
            "files.a.member: found x/../../a, wanted a path inside the archive, without ..",
        ),
        (
            {"archive": "all.tgz", "member": "/etc/passwd"},
            "files.a.member: found /etc/passwd, wanted a path inside the archive, without ..",
        ),
        (
            {"archive": "al.tgz", "member": "a"},
            "files: a is of archive al.tgz, which is not among the files; did you mean all.tgz?",
        ),
        ({"archive": "a", "member": "a"}, "files: a is made of itself: a of a"),
        ({"join": ["b", "c"]}, "files: a is made of itself: a of c of a"),
        ({"join": []}, "files.a.join: found [], wanted at least 1"),
        ({"join": "b"}, 'files.a.join: found "b", wanted a list'),
        ({"sacrebleu": "wmt14/full", "pair": "en-de"}, "files.a.side is missing"),
        (
            {"sacrebleu": "wmt14/full", "pair": "en-de", "side": "target"},
            'files.a.side: found "target", wanted one of source, reference',
        ),
        (
            {"sacrebleu": "wmt14/ful", "pair": "en-de", "side": "source"},
            "files.a: wmt14/ful: no test set of sacreBLEU's; did you mean wmt14/full?",
        ),
        (
            {"sacrebleu": "wmt14/full", "pair": "en-xx", "side": "source"},
            "files.a: wmt14/full: not for en-xx: wanted one of ",
        ),
        (
            {"mtdata": "Statmt-europarl-10-deu-eng", "language": "de"},
            "files.a: found language de, wanted deu or eng, as in Statmt-europarl-10-deu-eng",
        ),
        ({"mtdata": "europarl", "language": "deu"}, 'files.a.mtdata: found "europarl", wanted mtdata\'s GROUP-NAME-'),
        ({"mtdata": "../x-y-z-deu", "language": "deu"}, "files.a.mtdata: found "),
        ("all.tgz", "files.a: found "),
    ],
)
def test_a_fault_is_told_with_its_key(entry: Any, message: str) -> None:
    with pytest.raises(OptionsError) as fault:
        parse({"a": entry, "all.tgz": {}, "c": {"join": ["a"]}})
    assert str(fault.value).removeprefix("r: ").startswith(message)
    assert "\n" not in str(fault.value)


def test_files_that_are_made_of_each_other_are_told_from_wherever_one_begins() -> None:
    circle: Document = {"c": {"join": ["d"]}, "d": {"join": ["e", "c"]}, "e": {}}
    with pytest.raises(OptionsError, match=r"files: c is made of itself: c of d of c$"):
        parse({"a": {"join": ["b"]}, "b": {"join": ["e", "c"]}} | circle)
