"""Laws of marked-up text: a segment is a line, whatever is in it and however it is broken."""

import gzip
import html
from pathlib import Path

import pytest
from sacrebleu.dataset import DATASETS
from sacrebleu.dataset.fake_sgml import FakeSGMLDataset

from nmtk.errors import DataError
from nmtk.lines import read_lines
from nmtk.recipe.sources.markup import iwslt_lines, sgml_lines, write_unmarked

SEGMENTS = [
    ("One.", "One."),
    ("  two   words ", "two words"),
    ("", ""),
    ("R&amp;D &lt;b&gt; &quot;x&quot; &#8211; &#x2014; &auml;", 'R&D <b> "x" – — ä'),
    ("AT&T, R&D; 3 < 4 & 5 > 4, &copy me", "AT&T, R&D; 3 < 4 & 5 > 4, &copy me"),
    ("over\ntwo lines", "over two lines"),
    ("a\u2028b\u00a0c", "a\u2028b\u00a0c"),
    ("a&#10;b&#13;c", "a b c"),
    ("<hl>kept</hl>", "<hl>kept</hl>"),
]


def sgml(path: Path, segments: list[str]) -> Path:
    lines = "\n".join(f'<seg id="{number}">{text}</seg>' for number, text in enumerate(segments, 1))
    path.write_text(
        f'<refset setid="newstest" srclang="any" trglang="en">\n<doc docid="1" genre="news">\n<p>\n{lines}\n</p>\n'
        "</doc>\n</refset>\n"
    )
    return path


def test_a_segment_is_a_line(tmp_path: Path) -> None:
    path = sgml(tmp_path / "a.sgm", [marked for marked, _ in SEGMENTS])
    assert list(sgml_lines(path)) == [text for _, text in SEGMENTS]


def test_segments_may_share_a_line_and_be_in_capitals(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<mteval><SEG>one</SEG> <seg id='2'> two </seg><seg>three</seg></mteval>")
    assert list(sgml_lines(tmp_path / "a.xml")) == ["one", "two", "three"]


def test_sacrebleu_takes_the_same_text_out(tmp_path: Path) -> None:
    """But for entities, which it leaves as they are."""
    path = sgml(tmp_path / "a.sgm", [marked for marked, _ in SEGMENTS if not {"\n", "\u00a0"} & set(marked)])
    dataset = next(dataset for dataset in DATASETS.values() if type(dataset) is FakeSGMLDataset)
    dataset._convert_format(str(path), str(tmp_path / "theirs"))
    theirs = [" ".join(html.unescape(line).split()) for line in read_lines(tmp_path / "theirs")]
    ours = [" ".join(html.unescape(line).split()) for line in sgml_lines(path)]
    assert ours == theirs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<seg>one\n<seg>two</seg>\n", ":2: found <seg>, wanted </seg> before it"),
        ("<seg>one</seg>\n</seg>\n", ":2: found </seg>, wanted <seg> before it"),
        ("<seg>one</seg>\n<seg>two\n", ": ends before the last <seg> does: wanted the whole file"),
        ("One.\nTwo.\n", ": has no <seg>: wanted SGML or XML as WMT's and IWSLT's test sets are"),
        ("", ": has no <seg>: wanted SGML or XML as WMT's and IWSLT's test sets are"),
    ],
)
def test_what_is_not_marked_up_as_it_should_be_is_told(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.sgm").write_text(content)
    with pytest.raises(DataError) as told:
        write_unmarked(tmp_path / "a.sgm", tmp_path / "text", "sgml")
    assert str(told.value) == f"{tmp_path / 'a.sgm'}{message}"
    assert not (tmp_path / "text").exists()


TAGS = """\
<url>http://www.ted.com/talks/lang/{0}/a_talk.html</url>
<keywords>talks, sea</keywords>
<speaker>A. Speaker</speaker>
<talkid>343</talkid>
<title>A. Speaker: {0} title</title>
<description>TED Talk: {0} about</description>
 Good morning & welcome.
<i>Music</i>
<3 is {0} line
  <reviewer href="http://x/">R</reviewer>
<translator href="http://x/">T</translator>

x <url> y
"""


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_talk_is_its_title_its_description_and_what_was_said(language: str, tmp_path: Path) -> None:
    path = tmp_path / f"train.tags.{language}"
    path.write_text(TAGS.format(language))
    assert list(iwslt_lines(path)) == [
        f"A. Speaker: {language} title",
        f"TED Talk: {language} about",
        "Good morning & welcome.",
        "<i>Music</i>",
        f"<3 is {language} line",
        "",
        "x <url> y",
    ]


def test_compressed_files_are_read_and_plain_text_is_written(tmp_path: Path) -> None:
    plain = sgml(tmp_path / "a.sgm", ["one", "two"])
    with gzip.open(tmp_path / "a.sgm.gz", "wb") as file:
        file.write(plain.read_bytes())
    write_unmarked(tmp_path / "a.sgm.gz", tmp_path / "a.sgm.gz.txt", "sgml")
    assert (tmp_path / "a.sgm.gz.txt").read_text() == "one\ntwo\n"
