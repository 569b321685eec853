import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nmtk.bundle import Bundle
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.sentences import Request
from nmtk.decoding.strategies import Beam, Greedy
from nmtk.decoding.translator import Translation, Translator
from nmtk.errors import OptionsError
from nmtk.translation.answers import Layout
from nmtk.translation.inputs import Input
from nmtk.translation.job import Job, Machine
from nmtk.translation.prompt import COMMANDS, Attend, Prompt
from nmtk.translation.stream import translate_stream
from nmtk.translation.wishes import Wishes
from tests.decoding.copying import sentences

LINES = sentences(4, 1001)


def said(bundle: Bundle, *typed: str, attend: Attend | None = None) -> list[str]:
    """What the prompt says to these lines."""
    rest, answers = iter(typed), list[str]()
    Prompt(Translator(bundle, DecodingOptions()), lambda: next(rest, None), answers.append, attend).run()
    return answers


def translated(bundle: Bundle, line: str, best: int = 1, **options: object) -> list[Translation]:
    return next(Translator(bundle, DecodingOptions(**options)).candidates([line], best=best))  # type: ignore[arg-type]


def test_each_line_is_translated_and_an_empty_one_stays_empty(bundle: Bundle) -> None:
    wanted = [translated(bundle, line)[0].text for line in LINES]
    assert said(bundle, *LINES, "", " :beam") == [*wanted, "", *[translated(bundle, " :beam")[0].text]]


def test_what_is_asked_of_all_lines_is_asked_of_those_that_are_typed(bundle: Bundle) -> None:
    rest, answers = iter([LINES[0], ""]), list[str]()
    always = Request("", "A bird", (), ("cat",))
    Prompt(Translator(bundle, DecodingOptions()), lambda: next(rest, None), answers.append, always=always).run()
    [wanted] = Translator(bundle, DecodingOptions()).translate_all([always._replace(text=LINES[0])])
    assert answers == [wanted, ""]
    assert wanted.startswith("A bird")


def test_it_answers_before_it_reads_on(bundle: Bundle) -> None:
    answers: list[str] = []

    def typed() -> Iterator[str]:
        for number, line in enumerate(LINES):
            assert len(answers) == number
            yield line

    rest = typed()
    Prompt(Translator(bundle, DecodingOptions()), lambda: next(rest, None), answers.append).run()
    assert len(answers) == len(LINES)


def test_a_command_changes_the_search_from_then_on(bundle: Bundle) -> None:
    line = LINES[0]
    found = said(bundle, ":greedy", line, ":beam 7", line, LINES[1])
    assert found == [
        translated(bundle, line, strategy=Greedy())[0].text,
        translated(bundle, line, strategy=Beam(width=7))[0].text,
        translated(bundle, LINES[1], strategy=Beam(width=7))[0].text,
    ]


@pytest.mark.parametrize("best", [2, 6])
def test_the_n_best_come_in_order_with_their_scores(bundle: Bundle, best: int) -> None:
    """Of a beam that is wide enough for them."""
    found = said(bundle, f":nbest {best}", LINES[0], ":nbest 1", LINES[1])
    width = max(best, Beam().width)
    wanted = translated(bundle, LINES[0], best, strategy=Beam(width=width))
    assert [line.split(maxsplit=2) for line in found[:-1]] == [
        [str(rank), f"{one.score:.4f}", one.text] for rank, one in enumerate(wanted, 1)
    ]
    assert found[-1] == translated(bundle, LINES[1], strategy=Beam(width=width))[0].text


def test_it_explains_the_pieces_and_how_probable_each_was(bundle: Bundle) -> None:
    [best] = translated(bundle, LINES[0])
    source, target = bundle.vocabularies
    found = said(bundle, LINES[0], ":explain")[1:]
    assert found[0] == "source: " + " ".join(source.pieces(source.encode([LINES[0]])[0]))
    rows = [line.split() for line in found[1:-1]]
    assert [token for token, _ in rows] == [*target.pieces(best.ids), "</s>"]
    for (_, probability), logp in zip(rows, best.token_logps, strict=True):
        assert float(probability.removesuffix("%")) == pytest.approx(100 * 2.718281828**logp, abs=0.1)
    assert found[-1] == f"log-probability {best.logp:.4f}, score {best.score:.4f}"


def test_it_shows_what_each_token_attends_to_where_that_is_known(bundle: Bundle) -> None:
    def first(source: Sequence[int], target: Sequence[int]) -> list[int]:
        return [0] * len(target)

    found = said(bundle, LINES[0], ":explain", attend=first)
    seen = found[1].split()[1]
    assert all(line.endswith(f"%  {seen}") for line in found[2:-2])
    assert re.fullmatch(r"  </s> +[\d.]+%", found[-2])


def test_help_names_every_command_and_quit_ends(bundle: Bundle) -> None:
    found = said(bundle, ":help", ":quit", LINES[0])
    assert [line.split()[0] for line in found[:-1]] == [f":{name}" for name in COMMANDS]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (":bean 4", "error: :bean: no such command; did you mean beam?"),
        (":", "error: :: no such command; wanted one of beam, greedy, nbest, sample, explain, help, quit"),
        (":beam", "error: :beam: found no number, wanted a number, as :beam 4"),
        (":beam four", "error: :beam: found four, wanted a number, as :beam 4"),
        (":beam 0", "error: :beam: found 0, wanted a number, as :beam 4"),
        (":beam 4 5", "error: :beam: found 4 5, wanted a number, as :beam 4"),
        (":quit now", "error: :quit: found now, wanted :quit alone"),
        (":explain", "error: :explain: nothing was translated yet"),
        ("a\ud800", "error: text holds U+D800, half of a surrogate pair: wanted Unicode text"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_and_it_goes_on(bundle: Bundle, typed: str, answer: str) -> None:
    assert said(bundle, typed, LINES[0]) == [answer, translated(bundle, LINES[0])[0].text]


def test_a_line_in_parts_is_explained_part_by_part(bundle: Bundle) -> None:
    found = said(bundle, "x" * 1000, ":explain", "", ":explain")
    parts = translated(bundle, "x" * 1000)[0].parts
    assert parts > 1
    assert sum(line.startswith("source: ") for line in found) == parts
    assert sum(line.startswith("  </s> ") for line in found) == parts
    assert found[-2:] == ["", "log-probability 0.0000, score 0.0000"]


def test_a_translation_that_is_interrupted_is_dropped(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Translator, "candidates", interrupt)
    assert said(bundle, LINES[0], ":help")[0] == "stopped"


@pytest.mark.parametrize(
    "asked",
    [
        {"layout": Layout(alignments=True)},
        {"resume": True},
        {"shard": "1/2"},
        {"buffer": 4},
        {"machine": Machine(engine=cast(Any, object()))},
    ],
)
def test_what_a_prompt_does_not_have_is_refused_before_the_model_is_looked_for(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(sys, stream, SimpleNamespace(isatty=lambda: True))
    with pytest.raises(OptionsError, match=r"^--[a-z-]+: the prompt has no such thing: wanted -i, a pipe, or no --"):
        translate_stream(Job([Path("none")], Wishes(), Input(), None, quiet=True, **asked))
