import re
from html.parser import HTMLParser

import pytest

from nmtk.evaluation.comparison import compare
from nmtk.evaluation.metrics import Bleu
from nmtk.evaluation.page import page
from nmtk.evaluation.significance import Resampling
from nmtk.evaluation.testsets import Task

EVIL = '<script>alert("x")</script> & $title ${body} \'"'
REFERENCE = ["Der Hund schläft.", "Zwei Katzen sitzen.", EVIL, "Ja."]
FIRST = ["Der Hund schläft.", "Zwei Katzen sind.", "nichts", "Nein."]
SECOND = ["Der Hund schläft.", "Zwei Katzen sitzen.", EVIL, "Nie."]


class Reader(HTMLParser):
    """Reads a page, checks that what is opened is closed, and keeps what is in it."""

    VOID = frozenset({"meta", "!doctype"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.marks: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if "style" not in self.open else ""
        if self.open[-1:] == ["mark"]:
            self.marks.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def html() -> str:
    task = Task([("ref", REFERENCE)], ("src", ["one", "two", EVIL, "four"]))
    systems = ("a<b>", FIRST), ("c&d", SECOND)
    return page([compare(task, systems, [Bleu()], Resampling("bs", 50), test) for test in ("<i>", "news")])


def test_nothing_in_a_text_or_a_name_is_taken_for_html(html: str) -> None:
    reader = read(html)
    assert not {"script", "i", "b"} & reader.tags
    assert reader.text.count(EVIL) >= 2 * 2  # in each test set, the source and the reference; the outputs are marked
    assert "a<b>" in reader.text
    assert "c&d" in reader.text
    assert "<i>" in reader.text


def test_it_needs_no_other_file_and_no_network(html: str) -> None:
    reader = read(html)
    assert not {"script", "link", "img", "iframe", "object", "base"} & reader.tags
    assert not {"src", "href", "action"} & {name for name, _ in reader.attributes}
    assert not re.search(r"url\(|@import|https?:", html)


def test_what_differs_is_marked_and_both_themes_are_there(html: str) -> None:
    assert {"sind", "sitzen", "Nein", "Nie"} <= set(read(html).marks)
    assert "prefers-color-scheme: dark" in html


def test_gains_and_losses_are_as_many_as_asked_for() -> None:
    count = 30
    reference = [f"Satz {i} ist hier." for i in range(count)]
    first = [f"Satz {i} ist {'da' if i % 2 else 'hier'}." for i in range(count)]
    second = [f"Satz {i} ist {'hier' if i % 2 else 'da'}." for i in range(count)]
    found = compare(Task([("ref", reference)]), (("a", first), ("b", second)), [Bleu()], Resampling())
    for shown in (0, 4, 50):
        assert page([found], shown).count("<dl>") == 1 + 2 * min(shown, count // 2)


def test_sentences_that_differ_with_the_same_score_are_counted_and_shown() -> None:
    reference = ["Eins.", "Zwei.", "Drei."]
    first, second = ["xx", "Zwei.", "yy"], ["qq", "Zwei.", "Drei."]
    found = compare(Task([("ref", reference)]), (("a", first), ("b", second)), [Bleu()], Resampling())
    text = read(page([found])).text
    assert "1 are the same in both; in 1 B is better, in 0 A, and 1 differ with the same score." in text
    assert "Words that the reference has nowhere: 2 in A, 1 in B." in text
    assert "Where they differ with the same score" in text
    assert {"xx", "qq", "yy"} <= set(read(page([found])).marks)
    assert "Line 1 " in text


def test_systems_that_are_the_same_have_a_page_too() -> None:
    found = compare(Task([("ref", FIRST)]), (("a", FIRST), ("b", FIRST)), [Bleu()], Resampling("bs", 20))
    assert "4 are the same in both" in read(page([found])).text
