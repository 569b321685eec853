import gzip
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from nmtk.bundle import Bundle
from nmtk.cli.translate import translate
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.reranking import Backward, Forward, Length, Own, Reranker
from nmtk.decoding.scoring import Scorer
from nmtk.decoding.sentences import Request
from nmtk.decoding.strategies import Beam, Greedy, Strategy
from nmtk.decoding.translator import Translator
from nmtk.lines import read_lines
from nmtk.model.transformer import Transformer
from nmtk.translation.wishes import PLACES
from tests.cli.translating import LINES, ON_CPU, TEXT, answers


def test_translations_go_to_stdout_line_for_line_and_nothing_else(
    nmtk: Callable[..., Any], folder: Path, bundle: Bundle
) -> None:
    for arguments in ((), ("-i", "-", "-o", "-"), ("--buffer-size", 1), ("--buffer-size", 4, "--batch-tokens", 50)):
        ended = nmtk("translate", "-m", folder, *ON_CPU, "-q", *arguments, stdin=TEXT)
        assert ended == (0, answers(bundle), "")


@pytest.mark.parametrize("text", ["", "\n", "  \n\n", "dog", "A dog\r\nruns.\r\n"])
def test_as_many_lines_come_out_as_go_in(nmtk: Callable[..., Any], folder: Path, text: str) -> None:
    ended = nmtk("translate", "-m", folder, *ON_CPU, stdin=text)
    assert ended.code == 0
    assert ended.out.count("\n") == len(text.splitlines())


@pytest.mark.parametrize(
    ("arguments", "strategy"),
    [
        (("--decode", "greedy"), Greedy()),
        (("--beam-size", 1), Greedy()),
        (("-b", 3, "--length-penalty", "average"), Beam.parse({"width": 3, "penalty": "average"}, "")),
    ],
)
def test_the_search_that_was_asked_for_is_used(
    nmtk: Callable[..., Any], folder: Path, bundle: Bundle, arguments: tuple[Any, ...], strategy: Strategy
) -> None:
    ended = nmtk("translate", "-m", folder, *ON_CPU, *arguments, stdin=TEXT)
    assert ended.out == answers(bundle, strategy=strategy)


def test_the_models_own_options_are_checked(nmtk: Callable[..., Any], bundle: Bundle, tmp_path: Path) -> None:
    bundle._replace(decoding={"beam": 4}).save(tmp_path / "model")
    ended = nmtk("translate", "-m", tmp_path, *ON_CPU)
    assert ended.code == 1
    assert ended.err.startswith("nmtk: error: the model's decoding options: unknown key beam; wanted one of strategy,")


def test_every_wish_is_a_flag_and_every_flag_is_heard() -> None:
    flags = set(inspect.signature(translate).parameters)
    heard = inspect.getsource(translate).split('"""')[2]
    assert PLACES.keys() - flags == {"split"}  # which is --paragraphs
    assert [name for name in flags - PLACES.keys() if not re.search(rf"\b{name}\b", heard)] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--decode", "greedy", "--beam-size", 4), "--beam-size is for beam or diverse-beam: greedy has no such thing"),
        (("--length-penalty", "none", "--alpha", 1), "without a length penalty there is no --alpha"),
        (("--beam-size", 4, "--seed", 1), "--beam-size is for beam or diverse-beam, --seed for sampling or mbr"),
        (("--nbest", 2), "for --nbest, wanted --output-format nbest or jsonl"),
        (
            ("--alignments", "--output-format", "nbest"),
            "an n-best list holds no --alignments: wanted --output-format text or",
        ),
        (("--columns", "text"), "--columns are for TSV, and this input is text: wanted --input-format tsv"),
        (("-i", "a.jsonl", "--columns", "text"), "this input is jsonl"),
        (("--input-format", "tsv", "--columns", "id,tekst"), "--columns: found no text among id, tekst"),
        (("--input-format", "tsv", "--columns", "id,id,text"), "--columns: found 'id' twice, wanted each once"),
        (("--input-format", "tsv", "--columns", "text,"), "--columns: found one without a name"),
        (
            ("--rerank", "bakward=a:1"),
            "--rerank: found 'bakward=a:1', wanted own=W, length=W, forward=RUN:W, backward=RUN:W; did",
        ),
        (("--rerank", "own"), "--rerank: found 'own', wanted own=W, W a number"),
        (("--rerank", "own=inf"), "--rerank: found 'own=inf', wanted own=W, W a finite number"),
        (("--rerank", "own=1,backward=2"), "--rerank: found 'backward=2', wanted backward=RUN:W, W a finite number"),
        (("--rerank", "length=a:2"), "--rerank: found 'length=a:2', wanted length=W, W a finite number"),
        (("--rerank", "forward=a:1,forward=a:2"), "--rerank: found forward twice of a, wanted it once"),
        (("--rerank", ""), "--rerank: found '', wanted own=W"),
        (("--input-format", "cvs"), "cvs"),
        (("--output-format", "jason"), "jason"),
        (("--weights", "0.5,half"), "--weights: found 0.5,half, wanted numbers parted by commas"),
        (("-m", "other", "--weights", "0.5"), "--weights: found 0.5, wanted 2 greater than 0, one for each -m"),
        (("-m", "other", "--weights", "1,-1"), "--weights: found 1,-1, wanted 2 greater than 0, one for each -m"),
        (("--weights", "1", "--alignments"), "--weights are for an ensemble: found one -m, wanted two or more"),
        *(
            ((flag, value), f"Invalid value for {name}: wanted at ")
            for flag, value, name in (
                ("--temperature", "0.0", "'--temperature'"),
                ("--temperature", "nan", "'--temperature'"),
                ("--top-p", "0.0", "'--top-p'"),
                ("--max-ratio", "1e+308", "'--max-ratio'"),
                ("--min-ratio", "1e+308", "'--min-ratio'"),
                ("--max-extra", "2000000000", "'--max-extra'"),
                ("--min-length", "2000000000", "'--min-length'"),
                ("--longest", "2000000000", "'--longest'"),
                ("--longest-input", "2000000000", "'--longest-input'"),
                ("--beam-size", "10000000", "'-b' / '--beam-size'"),
                ("--samples", "10000000", "'--samples'"),
                ("--diversity", "1e+308", "'--diversity'"),
                ("--repetition-penalty", "1e+308", "'--repetition-penalty'"),
            )
        ),
        (("--beam-size", 0), "--beam-size"),
        (("--length-penalty", "avrage"), "avrage"),
        (("--precision", "int3"), "int3"),
        (("--require", " "), "--require: found empty text, wanted a phrase"),
        (("--forbid", ""), "--forbid: found empty text, wanted a phrase"),
        (("--prefix", "\udcff"), "--prefix: found bytes that are no UTF-8, wanted text"),
        (("--require", "a", "--decode", "greedy"), "--require is for beam: greedy has no such thing"),
    ],
)
def test_wrong_usage_ends_with_2(nmtk: Callable[..., Any], folder: Path, arguments: tuple[Any, ...], said: str) -> None:
    ended = nmtk("translate", "-m", folder, *arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert said in " ".join(ended.err.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-m", "{folder}s"), "copys: no such model folder; did you mean copy?"),
        (("-m", "{parent}"), "no model in this folder: wanted model.safetensors and options.yaml, or a run's model/"),
        (("-m", "{folder}", "-i", "{parent}/none.txt"), "none.txt: no such file"),
        (("-m", "{folder}", "-o", "{parent}", "--device", "cpu"), "cannot be written: Is a directory"),
        (
            ("-m", "{folder}", "--output-format", "nbest", "--nbest", "9", "--device", "cpu"),
            "the 9 best of a search that keeps 4: wanted --beam-size 9 or more",
        ),
        *(
            (
                ("-m", "{folder}", "--output-format", "nbest", "--nbest", "9", "--device", "cpu", "--decode", *decode),
                f"the 9 best of a search that keeps {kept}: wanted {more} or more",
            )
            for decode, kept, more in (
                (("greedy",), 1, "--decode beam --beam-size 9"),
                (("sampling",), 1, "--samples 9"),
                (("mbr", "--samples", "8"), 8, "--samples 9"),
                (("diverse-beam",), 8, "--beam-size 12"),
            )
        ),
        (
            ("-m", "{folder}", "--device", "cpu", "--decode", "greedy", "--rerank", "own=1"),
            "--rerank: found a search that keeps 1, wanted --decode beam --beam-size 2 or more",
        ),
        (
            ("-m", "{folder}", "--device", "cpu", "--rerank", "backward={folder}s:1"),
            "copys: no such model folder; did you mean copy?",
        ),
        (("-m", "{folder}", "--device", "cuda:99"), "device: cuda:99 is not on this machine; here: "),
        (("-m", "{folder}", "--device", "gpu"), "device: found gpu, wanted auto, cpu, cuda, cuda:N or mps"),
    ],
)
def test_what_the_user_can_mend_is_one_line(
    nmtk: Callable[..., Any], folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended = nmtk("translate", *(one.format(folder=folder, parent=folder.parent) for one in arguments))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("nmtk: error: ")
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_json_goes_in_and_comes_out_line_for_line_with_what_else_it_holds(
    nmtk: Callable[..., Any], folder: Path, bundle: Bundle, tmp_path: Path
) -> None:
    source, output = tmp_path / "in.jsonl.gz", tmp_path / "out.jsonl"
    rows = [{"id": number, "source" if number % 2 else "text": line} for number, line in enumerate(LINES)]
    source.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    ended = nmtk("translate", "-m", folder, *ON_CPU, "-q", "-i", source, "-o", output, "--buffer-size", 4)
    assert ended == (0, "", "")
    found = [json.loads(line) for line in read_lines(output)]
    assert [
        {key: value for key, value in row.items() if key in given} for row, given in zip(found, rows, strict=True)
    ] == rows
    assert "".join(row["translation"] + "\n" for row in found) == answers(bundle)


def test_alignments_pair_the_words_of_each_line_and_its_translation(nmtk: Callable[..., Any], folder: Path) -> None:
    """In paragraphs, too."""
    text = f"{LINES[0]} {LINES[1]}\n\n{LINES[2]}\n"
    arguments = ("--output-format", "jsonl", "--alignments", "--paragraphs", "--buffer-size", 3, "--threads", 1)
    ended = nmtk("translate", "-m", folder, *ON_CPU, "-q", *arguments, stdin=text)
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["parts"] for row in rows] == [2, 0, 1]
    for row in rows:
        pairs = [tuple(map(int, pair.split("-"))) for pair in row["alignment"].split()]
        assert [target for _, target in pairs] == [*range(len(row["translation"].split()))]
        assert all(0 <= source < len(row["text"].split()) for source, _ in pairs)


def test_shards_number_their_lines_as_the_whole_file_does(
    nmtk: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    source = tmp_path / "in.txt"
    source.write_text(TEXT)
    given = ("-m", folder, *ON_CPU, "-q", "-i", source, "--output-format", "nbest", "--buffer-size", 2, "--threads", 1)
    assert nmtk("translate", *given, "-o", tmp_path / "all").code == 0
    for number in (1, 2):
        shard = ("-o", tmp_path / f"out.{number}", "--shard", f"{number}/2", "--report", tmp_path / f"report.{number}")
        assert nmtk("translate", *given, *shard).code == 0
    assert (tmp_path / "all").read_bytes() == b"".join((tmp_path / f"out.{n}").read_bytes() for n in (1, 2))
    reports = [json.loads((tmp_path / f"report.{n}").read_text()) for n in (1, 2)]
    assert [(report["first_line"], report["lines"]) for report in reports] == [(1, 4), (5, 6)]
    assert [report["empty"]["lines"] for report in reports] == [[], [1 + LINES.index("")]]


def test_the_n_best_are_numbered_by_their_lines_from_0(nmtk: Callable[..., Any], folder: Path, bundle: Bundle) -> None:
    text = f"{LINES[0]}\n\n{LINES[1]}\n"
    ended = nmtk("translate", "-m", folder, *ON_CPU, "-q", "--output-format", "nbest", "--nbest", 3, stdin=text)
    fields = [line.split(" ||| ") for line in ended.out.splitlines()]
    assert [field[0] for field in fields] == ["0", "0", "0", "1", "2", "2", "2"]
    assert [fields[at][1] for at in (0, 3, 4)] == answers(bundle, [LINES[0], "", LINES[1]]).splitlines()


def test_what_search_keeps_is_put_in_order_by_a_jury(
    nmtk: Callable[..., Any], folder: Path, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole beam is judged, whatever part of it is written, and no jury of other weights goes on with its work."""
    asked = ("--rerank", f"own=1,length=0.5,backward={folder}:2,forward={folder}:0.25", "--output-format", "jsonl")
    candidates = list(Translator(bundle, DecodingOptions()).candidates(LINES, best=4))
    scorer = Scorer(bundle)
    judges = [Own(), Length(), Backward(scorer), Forward(scorer)]
    wanted = Reranker(judges, [1, 0.5, 2, 0.25]).rerank(LINES, candidates)
    assert [some[0].text for some in wanted] != [some[0].text for some in candidates]
    ended = nmtk("translate", "-m", folder, *ON_CPU, "-q", "--buffer-size", 4, *asked, "--nbest", 2, stdin=TEXT)
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["translation"] for row in rows] == [some[0].text for some in wanted]
    for row, some in zip(rows, wanted, strict=True):
        assert [one["translation"] for one in row["candidates"]] == [one.text for one in some[:2]]
        assert [one["score"] for one in row["candidates"]] == pytest.approx([one.score for one in some[:2]], abs=1e-3)

    monkeypatch.setattr("nmtk.translation.parts.EVERY", 0.0)
    source, output = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text(f"{TEXT}\udcff", "utf-8", "surrogateescape")
    given = ("translate", "-m", folder, *ON_CPU, "-q", "-i", source, "-o", output, "--resume", "--buffer-size", 2)
    assert nmtk(*given, "--rerank", f"own=1,backward={folder}:2").code == 1  # the last line is no text
    said = nmtk(*given, "--rerank", f"own=1,backward={folder}:3").err
    assert "begun with rerank" in said


def test_what_is_asked_of_all_lines_holds_beside_what_each_asks_for(
    nmtk: Callable[..., Any], folder: Path, bundle: Bundle, tmp_path: Path
) -> None:
    rows: list[dict[str, Any]] = [
        {"text": LINES[0]},
        {"text": LINES[1], "prefix": "The", "required": ["tree"], "forbidden": ["a"]},
        {"text": ""},
        {"text": LINES[2], "required": ["river"]},
    ]
    asked = (
        "--prefix",
        "A bird",
        "--require",
        "river",
        "--require",
        "old house",
        "--forbid",
        "cat",
        "--forbid",
        "sings",
    )
    report = tmp_path / "report.json"
    arguments = (*asked, "--input-format", "jsonl", "--report", report)
    ended = nmtk("translate", "-m", folder, *ON_CPU, *arguments, stdin="".join(json.dumps(row) + "\n" for row in rows))
    assert ended.code == 0
    found = ended.out.splitlines()
    both, none = ("river", "old house"), ("cat", "sings")
    wanted = [
        Request(LINES[0], "A bird", both, none),
        Request(LINES[1], "The", ("tree", *both), ("a", *none)),
        Request(""),
        Request(LINES[2], "A bird", both, none),
    ]
    assert found == list(Translator(bundle, DecodingOptions()).translate_all(wanted))
    assert found[0].startswith("A bird")
    assert all("river" in line and "old house" in line for line in (found[0], found[3]))
    assert not any(phrase in line for phrase in none for line in found)
    assert 3 not in json.loads(report.read_text())["unmet"]["lines"]


def test_phrases_are_required_of_a_greedy_model_by_beam(
    nmtk: Callable[..., Any], bundle: Bundle, tmp_path: Path
) -> None:
    bundle._replace(decoding={"strategy": {"kind": "greedy"}}).save(tmp_path / "model")
    ended = nmtk("translate", "-m", tmp_path / "model", *ON_CPU, "--require", "river", stdin=f"{LINES[0]}\n")
    assert ended.out == answers(bundle, [Request(LINES[0], required=("river",))])
    assert "river" in ended.out


def test_a_line_whose_phrases_contradict_those_of_all_is_named(nmtk: Callable[..., Any], folder: Path) -> None:
    text = '{"text": "A dog."}\n{"text": ""}\n{"text": "A cat.", "required": ["an old cat"]}\n'
    arguments = ("--input-format", "jsonl", "--buffer-size", 1, "--forbid", "old", "--threads", 1)
    ended = nmtk("translate", "-m", folder, *ON_CPU, *arguments, stdin=text)
    assert ended.code == 1
    assert ended.out.count("\n") == 2
    phrases = "the required phrase 'an old cat' holds the forbidden phrase 'old'"
    assert ended.err == f"nmtk: error: standard input:3: {phrases}: wanted one or the other\n"
    ended = nmtk("translate", "-m", folder, *ON_CPU, "--prefix", "The old", "--forbid", "old", stdin="\nA dog.\n")
    assert ended.err.startswith("nmtk: error: standard input:2: the prefix 'The old' holds the forbidden phrase")


@pytest.mark.parametrize("decode", ["greedy", "sampling", "mbr", "diverse-beam"])
def test_a_line_that_requires_phrases_of_a_search_that_cannot_is_named(
    nmtk: Callable[..., Any], folder: Path, decode: str
) -> None:
    text = '{"text": "A dog runs."}\n{"text": ""}\n{"text": "A cat sings.", "required": ["cat"]}\n'
    ended = nmtk("translate", "-m", folder, *ON_CPU, "--input-format", "jsonl", "--decode", decode, stdin=text)
    said = f"required phrases need a beam that they can share: found {decode}, wanted beam"
    assert (ended.code, ended.err) == (1, f"nmtk: error: standard input:3: {said}\n")


@pytest.mark.parametrize("processes", [1, 2])
def test_a_line_that_no_translation_can_answer_is_named(
    nmtk: Callable[..., Any], folder: Path, tmp_path: Path, processes: int
) -> None:
    """No piece twice, and more of them than there are."""
    text = tmp_path / "in.txt"
    text.write_text("A\n\nA dog runs. A cat sings.\n")
    arguments = ("--no-repeat-ngram", 1, "--min-ratio", 60, "--max-ratio", 100, "--longest", 1000, "--no-loop-guard")
    work = ("--threads", processes, "--buffer-size", 3, "--decode", "greedy")
    ended = nmtk("translate", "-m", folder, "-i", text, *ON_CPU, *arguments, *work)
    said = "no translation can keep to all that is required and forbidden at once"
    assert (ended.code, ended.err) == (1, f"nmtk: error: {text}:3: {said}\n")


def test_memory_that_runs_out_is_one_line_with_the_batch_and_the_remedy(
    nmtk: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encode(*_: object) -> torch.Tensor:
        return torch.empty(1 << 60)

    monkeypatch.setattr(Transformer, "encode", encode)
    ended = nmtk("translate", "-m", folder, *ON_CPU, "--threads", 1, stdin="A dog.\n")
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert ended.err.startswith("nmtk: error: out of memory on cpu, in a batch of 1 sentence of up to ")
    assert "wanted a smaller batch_tokens than 2,048, fewer hypotheses than 4, or a shorter longest" in ended.err


def test_a_bad_line_is_named(nmtk: Callable[..., Any], folder: Path) -> None:
    text = '{"text": "A dog."}\n{"txt": "A cat."}\n'
    ended = nmtk("translate", "-m", folder, *ON_CPU, "--input-format", "jsonl", "--buffer-size", 1, stdin=text)
    assert ended.code == 1
    assert ended.out.count("\n") == 1
    assert ended.err == "nmtk: error: standard input:2: found no text among txt; did you mean text?\n"


def test_paragraphs_come_out_as_they_went_in_and_nobody_is_warned(nmtk: Callable[..., Any], folder: Path) -> None:
    text = " ".join(LINES[:2]) + "\n\n" + LINES[2] + "\n"
    ended = nmtk("translate", "-m", folder, *ON_CPU, "--paragraphs", "--source-language", "en", stdin=text)
    one, other, third = nmtk("translate", "-m", folder, *ON_CPU, "-q", stdin="\n".join(LINES[:3])).out.splitlines()
    assert ended == (0, f"{one} {other}\n\n{third}\n", "")
