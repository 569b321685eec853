import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from nmtk.bundle import Bundle
from nmtk.data.pairs import Pair
from nmtk.decoding.ensemble import load_ensemble
from nmtk.decoding.scoring import Score, Scorer
from nmtk.lines import read_lines
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.translation.score_stream import Layout
from tests.decoding.copying import sentences

SOURCES = [*sentences(8, 1001), "", "a\tdog"]
TARGETS = [*sentences(8, 1002), "dog", ""]


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "in.gz", tmp_path / "out.txt"
    source.write_bytes(gzip.compress("".join(f"{line}\n" for line in SOURCES).encode()))
    target.write_text("".join(f"{line}\n" for line in TARGETS), "utf-8")
    return source, target


Sides = tuple[Path, Path]


def test_each_pair_has_its_log_probability_and_the_sum_is_told(
    nmtk: Callable[..., Any], folder: Path, bundle: Bundle, sides: Sides
) -> None:
    wanted = [score.logp for score in Scorer(bundle).score(SOURCES, TARGETS)]
    ended = nmtk("score", "-m", folder, "--device", "cpu", *sides)
    assert ended.code == 0
    assert [float(line) for line in ended.out.splitlines()] == pytest.approx(wanted, abs=1e-4)
    tokens = sum(score.tokens for score in Scorer(bundle).score(SOURCES, TARGETS))
    perplexity = math.exp(-sum(wanted) / tokens)
    assert ended.err.startswith(f"nmtk: 10 pairs, {tokens} tokens, log-probability -")
    said = ended.err.replace(",", "").split()
    assert float(said[-3]) == pytest.approx(sum(wanted), abs=1e-3)
    assert float(said[-1]) == pytest.approx(perplexity, rel=1e-5)
    per_token = nmtk("score", "-m", folder, "--device", "cpu", *sides, "--normalise", "-q")
    each = [score.logp / score.tokens for score in Scorer(bundle).score(SOURCES, TARGETS)]
    assert [float(line) for line in per_token.out.splitlines()] == pytest.approx(each, abs=1e-4)
    assert per_token.err == ""


@pytest.mark.parametrize("arguments", [("--batch-tokens", 1), ("--batch-tokens", 100), ("--threads", 1)])
def test_a_score_does_not_depend_on_its_batch(
    nmtk: Callable[..., Any], folder: Path, sides: Sides, arguments: tuple[Any, ...]
) -> None:
    one = nmtk("score", "-m", folder, *sides, "-q").out.splitlines()
    other = nmtk("score", "-m", folder, *sides, "-q", *arguments).out.splitlines()
    assert [float(line) for line in one] == pytest.approx([float(line) for line in other], abs=1e-4)


def test_either_side_may_be_standard_input_and_the_scores_a_file(
    nmtk: Callable[..., Any], folder: Path, sides: Sides, tmp_path: Path
) -> None:
    wanted = nmtk("score", "-m", folder, *sides, "-q").out
    text = "".join(f"{line}\n" for line in TARGETS)
    assert nmtk("score", "-m", folder, sides[0], "-", "-q", stdin=text) == (0, wanted, "")
    output = tmp_path / "scores.xz"
    assert nmtk("score", "-m", folder, *sides, "-q", "-o", output) == (0, "", "")
    assert list(read_lines(output)) == wanted.splitlines()


def test_the_formats_agree(nmtk: Callable[..., Any], folder: Path, bundle: Bundle, sides: Sides) -> None:
    scores = list(Scorer(bundle).score(SOURCES, TARGETS))
    run = ("score", "-m", folder, "--device", "cpu", *sides, "-q")
    records = [json.loads(line) for line in nmtk(*run, "--format", "jsonl").out.splitlines()]
    tables = [line.split("\t") for line in nmtk(*run, "--format", "tsv").out.splitlines()]
    texts = [line.split("\t") for line in nmtk(*run, "--tokens").out.splitlines()]
    assert [table[3:] for table in tables] == [[a.replace("\t", " "), b] for a, b in zip(SOURCES, TARGETS, strict=True)]
    for score, record, table, (total, tokens) in zip(scores, records, tables, texts, strict=True):
        assert set(record) == {"logp", "tokens", "perplexity", "pieces", "token_logps"}
        assert record["logp"] == pytest.approx(score.logp, abs=1e-4)
        assert record["tokens"] == len(record["pieces"]) == len(record["token_logps"]) == score.tokens
        assert record["pieces"] == [*bundle.vocabularies.target.pieces(score.ids), "</s>"]
        assert record["perplexity"] == pytest.approx(math.exp(-score.logp / score.tokens), rel=1e-4)
        assert [*map(float, table[:3])] == [record["logp"], record["tokens"], record["perplexity"]]
        assert float(total) == record["logp"]
        each = [token.rsplit(":", 1) for token in tokens.split(" ")]
        assert [(piece, float(logp)) for piece, logp in each] == list(
            zip(record["pieces"], record["token_logps"], strict=True)
        )


def test_json_has_no_infinite_numbers(bundle: Bundle) -> None:
    line = Layout("jsonl").line(Pair("a", "b", 1), Score(-1e6, [-1e6], []), bundle.vocabularies.target)
    assert '"perplexity": null' in line


def test_sides_of_different_length_are_named_with_their_lines(
    nmtk: Callable[..., Any], folder: Path, sides: Sides
) -> None:
    source, target = sides
    target.write_text("dog\n" * 3)
    ended = nmtk("score", "-m", folder, source, target)
    said = f"nmtk: error: {source} has 10 lines and {target} has 3: wanted as many in both\n"
    assert ended == (1, "", said)


def test_nothing_to_score_is_no_error(nmtk: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    ended = nmtk("score", "-m", folder, tmp_path / "empty", tmp_path / "empty")
    assert ended == (0, "", "nmtk: 0 pairs, 0 tokens, log-probability 0.0000\n")


def test_several_models_score_as_an_ensemble(
    nmtk: Callable[..., Any], folder: Path, bundle: Bundle, sides: Sides, tmp_path: Path
) -> None:
    torch.manual_seed(3)
    size = len(bundle.vocabularies.source)
    bundle._replace(model=Transformer(bundle.model.options, size, size).eval()).save(tmp_path / "other")
    both = [folder, tmp_path / "other"]
    for arguments, weights in (((), None), (("--weights", "3,1"), [3.0, 1.0])):
        wanted = [score.logp for score in Scorer(load_ensemble(both, weights)).score(SOURCES, TARGETS)]
        ended = nmtk("score", "-m", both[0], "-m", both[1], *arguments, "--device", "cpu", "-q", *sides)
        assert [float(line) for line in ended.out.splitlines()] == pytest.approx(wanted, abs=1e-4)


def test_memory_that_runs_out_is_one_line(
    nmtk: Callable[..., Any], folder: Path, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Transformer, "encode", lambda *_: torch.empty(1 << 60))
    ended = nmtk("score", "-m", folder, "--device", "cpu", *sides)
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert ended.err.startswith("nmtk: error: out of memory on cpu, in a batch of ")
    assert ended.err.endswith(" source tokens: wanted a smaller batch_tokens than 4,096, or shorter lines\n")


def test_a_line_beyond_the_models_positions_is_refused(
    nmtk: Callable[..., Any], bundle: Bundle, sides: Sides, tmp_path: Path
) -> None:
    size = len(bundle.vocabularies.source)
    options = {"width": 16, "heads": 2, "inner": 16, "encoder_layers": 1, "decoder_layers": 1}
    learned = TransformerOptions.parse(options | {"positions": {"kind": "learned", "maximum": 60}}, "test")
    bundle._replace(model=Transformer(learned, size, size).eval()).save(tmp_path / "model")
    assert nmtk("score", "-m", tmp_path, *sides, "-q").code == 0
    for text, tokens in (("x" * 58, 60), ("x" * 59, 61)):
        lines = [*TARGETS[:-1], text]
        sides[1].write_text("".join(f"{line}\n" for line in lines))
        assert len(bundle.vocabularies.target.encode([text])[0]) + 1 == tokens
        ended = nmtk("score", "-m", tmp_path, *sides, "-q")
        said = f"{sides[1]}:10: found 61 tokens, </s> among them; the model has 60 positions: score the line in parts"
        assert (ended.code, said in ended.err) == ((0, False) if tokens == 60 else (1, True))


def test_what_takes_long_is_told_before(
    nmtk: Callable[..., Any], folder: Path, bundle: Bundle, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [
        1 + max(len(side.encode([text])[0]) for side, text in zip(bundle.vocabularies, pair, strict=True))
        for pair in zip(SOURCES, TARGETS, strict=True)
    ]
    longest = max(tokens)
    monkeypatch.setattr("nmtk.decoding.scoring.LONG", longest)
    assert "warning" not in nmtk("score", "-m", folder, *sides).err
    monkeypatch.setattr("nmtk.decoding.scoring.LONG", longest - 1)
    told, summary = nmtk("score", "-m", folder, *sides).err.splitlines()
    assert told.startswith(f"nmtk: warning: line {1 + tokens.index(longest)} has {longest} tokens: nothing is split")
    assert summary.startswith("nmtk: 10 pairs, ")
    assert nmtk("score", "-m", folder, *sides, "-q").err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tokens", "--format", "tsv"), "it is for text"),
        (("--normalise", "--format", "jsonl"), "logp and tokens"),
        (("--format", "xml"), "xml"),
        (("--weights", "1"), "--weights are for an ensemble"),
    ],
)
def test_wrong_usage_ends_with_2(
    nmtk: Callable[..., Any], folder: Path, sides: Sides, arguments: tuple[str, ...], said: str
) -> None:
    ended = nmtk("score", "-m", folder, *sides, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_standard_input_for_both_sides_is_refused(nmtk: Callable[..., Any], folder: Path) -> None:
    assert nmtk("score", "-m", folder, "-", "-").err.startswith("nmtk: error: -: found standard input for both sides")


@pytest.mark.parametrize("place", [0, 1])
def test_scores_never_take_the_place_of_a_text(
    nmtk: Callable[..., Any], folder: Path, sides: Sides, place: int
) -> None:
    before = sides[place].read_bytes()
    link = sides[place].with_name("link")
    link.symlink_to(sides[place])
    for output in (sides[place], link):
        ended = nmtk("score", "-m", folder, *sides, "-o", output)
        name = ("SOURCE", "TARGET")[place]
        assert ended.err == f"nmtk: error: --output: found {output}, which is {name} too: wanted another file\n"
        assert sides[place].read_bytes() == before


def test_nor_of_one_that_is_redirected(nmtk: Callable[..., Any], folder: Path, sides: Sides, redirected: Any) -> None:
    redirected(0, sides[1])
    ended = nmtk("score", "-m", folder, sides[0], "-", "-o", sides[1])
    assert ended.err == f"nmtk: error: --output: found {sides[1]}, which is TARGET too: wanted another file\n"
