import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from nmtk.bundle import Bundle
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.penalties import Average, Gnmt, NoPenalty
from nmtk.decoding.sentences import Request, Sentence
from nmtk.decoding.strategies import Beam, Greedy, Sampling, Strategy
from nmtk.decoding.translator import Translator
from nmtk.errors import ModelError, NmtkError, OptionsError
from nmtk.interop import engine
from nmtk.interop.ctranslate2 import export
from nmtk.interop.engine import CTranslate2, Searcher, exported, open_model, refuse
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary
from tests.decoding.copying import SMALL, copying_bundle, sentences
from tests.model.conftest import FAMILIES

pytest.importorskip("ctranslate2", reason="needs ctranslate2: pip install 'nmtk[interop]'")

LINES = sentences(300, 1001)
MEMBERS = [(family, member) for family, members in FAMILIES.items() for member in members]
OTHERS = [
    {"norm_order": "pre", "norm": "rms", "activation": "swiglu", "positions": "rotary"},
    {"positions": {"kind": "relative", "clip": 2}},
    {"positions": {"kind": "learned", "maximum": 40}, "tying": "none", "output_bias": True},
    {"positions": {"kind": "sinusoid", "layout": "concatenated"}, "scale_embeddings": False},
    {"encoder_layers": 3, "decoder_layers": 1},
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NMTK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ctranslate2"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return copying_bundle()


@pytest.fixture(scope="module")
def model(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("exported")
    export(bundle, folder)
    return open_model(folder, "float32")


@pytest.fixture(scope="module")
def vocabularies() -> Vocabularies:
    """Two that differ, in size too."""
    source, target = (Vocabulary(learn(sentences(400, 0), VocabularyOptions(size=size))) for size in (290, 300))
    return Vocabularies(source, target)


def random_bundle(vocabularies: Vocabularies, **options: Any) -> Bundle:
    """No parameter is at a value, such as nought, that could hide a fault."""
    torch.manual_seed(1)
    parsed = TransformerOptions.parse(SMALL | {"tying": "decoder"} | options, "test")
    if parsed.tying == "three-way":
        vocabularies = Vocabularies(vocabularies.target, vocabularies.target)
    model = Transformer(parsed, *map(len, vocabularies))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return Bundle(model.eval(), vocabularies, {}, {})


@pytest.mark.parametrize(
    "options",
    [{family: member} for family, member in MEMBERS] + OTHERS,
    ids=lambda one: "-".join(map(str, one.values())),
)
def test_every_model_finds_what_it_finds_in_nmtk(
    vocabularies: Vocabularies, tmp_path: Path, options: dict[str, Any]
) -> None:
    bundle = random_bundle(vocabularies, **options)
    export(bundle, tmp_path)
    translator = Translator(bundle, DecodingOptions(strategy=Greedy(), max_extra=2, loop_guard=False))
    drawn = torch.randint(4, 290, (5, 17), generator=torch.Generator().manual_seed(2)).tolist()
    batch = [Sentence(ids[:size]) for ids, size in zip(drawn, (1, 17, 5, 9, 2), strict=True)]
    for [ours], [theirs] in zip(
        translator.decide(batch, 1), Searcher(open_model(tmp_path, "float32"), translator)(batch, 1), strict=True
    ):
        assert theirs.ids == ours.ids
        assert theirs.token_logps == pytest.approx(ours.token_logps, abs=1e-4)


@pytest.mark.parametrize(
    "strategy",
    [
        Greedy(),
        *(
            Beam(width=5, penalty=one, stop="full")
            for one in (Gnmt(), Gnmt(alpha=0), Average(), Average(alpha=0.5), NoPenalty())
        ),
    ],
    ids=lambda one: f"{one.kind}-{one.penalty.kind}-{getattr(one.penalty, 'alpha', '')}",
)
def test_it_translates_as_nmtk_does(bundle: Bundle, model: Any, strategy: Strategy) -> None:
    translator = Translator(bundle, DecodingOptions(strategy=strategy))
    best = min(2, strategy.width)
    batch = [Sentence(ids) for ids in bundle.vocabularies.source.encode(LINES)]
    pairs = list(zip(translator.decide(batch, best), Searcher(model, translator)(batch, best), strict=True))
    same = [ours for ours, theirs in pairs if ours[0].ids == theirs[0].ids]
    assert len(same) >= 0.99 * len(batch)
    for ours, theirs in pairs:
        assert len(theirs) == best
        for one, other in zip(ours, theirs, strict=True):
            if one.ids == other.ids:
                assert other.token_logps == pytest.approx(one.token_logps, abs=1e-4)
                assert (other.score, other.logp) == pytest.approx((one.score, one.logp), abs=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"longest": 1},
        {"longest": 4, "strategy": {"kind": "greedy"}},
        {"max_ratio": 0.0, "max_extra": 3},
        {"max_ratio": 0.5, "max_extra": 0},
        {"min_length": 12, "max_extra": 3},
        {"min_length": 20, "longest": 4},
        {"no_repeat_ngram": 1, "strategy": {"kind": "greedy"}},
    ],
    ids=str,
)
def test_lengths_and_repetitions_are_as_allowed(bundle: Bundle, model: Any, options: dict[str, Any]) -> None:
    translator = Translator(bundle, DecodingOptions.parse({"strategy": {"kind": "beam", "width": 3}} | options, "test"))
    batch = [Sentence(ids) for ids in bundle.vocabularies.source.encode(LINES[:40])]
    for sentence, [found] in zip(batch, Searcher(model, translator)(batch, 1), strict=True):
        limit = translator.options.limit(len(sentence.pieces))
        assert min(translator.options.min_length, limit - 1) <= len(found.ids) < limit
        assert len(found.token_logps) == len(found.ids) + 1
        if translator.options.no_repeat_ngram:
            assert len(set(found.ids)) == len(found.ids)


@pytest.mark.parametrize("strategy", [Greedy(), Beam(width=3, stop="full")], ids=lambda one: one.kind)
@pytest.mark.parametrize("options", [{}, {"min_length": 9}], ids=str)
def test_a_sentence_is_translated_alike_in_any_company(
    vocabularies: Vocabularies, tmp_path: Path, strategy: Strategy, options: dict[str, Any]
) -> None:
    """Of each length another, so that each has a limit of its own; and most come to it."""
    bundle = random_bundle(vocabularies)
    export(bundle, tmp_path)
    parsed = DecodingOptions(strategy=strategy, max_ratio=1.0, max_extra=1, loop_guard=False, **options)
    searcher = Searcher(open_model(tmp_path, "float32"), Translator(bundle, parsed))
    drawn = torch.randint(4, 290, (16, 16), generator=torch.Generator().manual_seed(2)).tolist()
    batch = [Sentence(ids[: size + 1]) for size, ids in enumerate(drawn)]
    best = strategy.width
    together, alone = searcher(batch, best), [searcher([sentence], best)[0] for sentence in batch]
    assert [[one.ids for one in found] for found in together] == [[one.ids for one in found] for found in alone]
    for found, wanted in zip(together, alone, strict=True):
        assert [one.score for one in found] == pytest.approx([one.score for one in wanted], abs=1e-4)


def test_what_it_cannot_do_for_a_sentence_nmtk_does(bundle: Bundle, model: Any) -> None:
    translator = Translator(bundle, DecodingOptions(strategy=Beam(width=3, stop="full"), longest_input=1100))
    asked = [
        Request(LINES[0], prefix="A bird"),
        Request(LINES[4], prefix="River"),  # no piece of it is settled: the word may go on
        Request(LINES[1], required=("river",)),
        Request(LINES[2], forbidden=("dog", "cat", "tree")),
        Request(LINES[3]),
        Request(" ".join(["dog"] * 1030)),  # more than there are positions
    ]
    alone = translator.translate_all(asked)
    translator.crew = Inline(Searcher(model, translator))
    assert translator.translate_all(asked) == alone


def test_what_goes_in_circles_is_translated_as_the_guard_has_it(vocabularies: Vocabularies, tmp_path: Path) -> None:
    bundle = random_bundle(vocabularies)
    export(bundle, tmp_path)
    batch = [Sentence([place, 40, 7]) for place in range(4, 44)]
    found = {}
    for guarded in (False, True):
        translator = Translator(bundle, DecodingOptions(strategy=Greedy(), loop_guard=guarded))
        found[guarded] = translator.decide(batch, 1), Searcher(open_model(tmp_path, "float32"), translator)(batch, 1)
        ours, theirs = ([one.ids for [one] in some] for some in found[guarded])
        assert ours == theirs
    assert found[False] != found[True]


class Inline:
    size, started = 1, True

    def __init__(self, search: Searcher):
        self.search = search

    def submit(self, batch: Any, best: int) -> Any:
        return lambda: self.search(batch, best)


def test_the_model_is_exported_once(bundle: Bundle, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    monkeypatch.setattr(engine, "export", lambda bundle, folder: (made.append(folder), export(bundle, folder)))
    folder = exported(bundle)
    assert folder.parent == cache
    assert exported(bundle) == folder
    assert len(made) == 1

    other = copying_bundle(updates=1)
    assert exported(other) != folder
    assert len(made) == 2


def test_the_cache_keeps_the_models_that_were_used_last(
    bundle: Bundle, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "KEPT", 3)
    folder = exported(bundle)
    for age in range(1, 4):
        (cache / f"other{age}").mkdir()
        os.utime(cache / f"other{age}", (0, 1000 - age))
    os.utime(folder, (0, 0))
    assert exported(bundle) == folder
    assert {path.name for path in cache.iterdir() if path.is_dir()} == {folder.name, "other1", "other2"}


def damaged(bundle: Bundle, folder: Path) -> None:
    name = "encoder.layers.0.self_attention.out.weight"
    weight = dict(bundle.model.named_parameters())[name]
    before = weight.detach().clone()
    with torch.no_grad():
        weight[0] += 0.5
        export(bundle, folder)
        weight.copy_(before)


def test_an_export_that_does_not_agree_is_not_kept(
    bundle: Bundle, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "export", damaged)
    with pytest.raises(
        ModelError, match=r"^the model exported to ctranslate2: log-probabilities differ from nmtk's by"
    ):
        exported(bundle)
    assert [path for path in cache.iterdir() if path.is_dir()] == []


def test_a_damaged_folder_is_named(bundle: Bundle) -> None:
    binary = exported(bundle) / "model.bin"
    binary.write_bytes(binary.read_bytes()[:1000])
    with pytest.raises(
        ModelError, match=rf"^{binary.parent}: cannot be loaded \(.*\): delete it, and it is made anew$"
    ):
        open_model(exported(bundle), "float32")


def test_a_cache_that_cannot_be_made_is_named(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NMTK_CACHE", str(tmp_path / "file"))
    with pytest.raises(NmtkError, match=r"file/ctranslate2: cannot be made: .*: name another place in NMTK_CACHE$"):
        exported(bundle)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strategy": Sampling()}, "found --decode sampling, wanted greedy or beam"),
        ({"strategy": Beam(stop="exact")}, "found --stop exact, wanted full, or best, which is full here"),
        ({"repetition_penalty": 1.2}, "found --repetition-penalty 1.2, wanted 1, or --engine nmtk"),
        ({"min_ratio": 0.5}, "found --min-ratio 0.5, wanted 0, or --engine nmtk"),
    ],
    ids=str,
)
def test_what_it_cannot_do_at_all_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionsError, match=f"^--engine ctranslate2: {said}$"):
        refuse(DecodingOptions(**options))


def test_an_arithmetic_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctranslate2.get_supported_compute_types", lambda device: {"float32", "int8_float32", "int8"})
    assert [CTranslate2(name).compute_type for name in ("auto", "float32", "int8")] == ["float32", "float32", "int8"]
    with pytest.raises(OptionsError, match=r"^--precision float16: .* on this CPU: wanted float32 or int8$"):
        _ = CTranslate2("float16").compute_type


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Path:
    path = tmp_path_factory.mktemp("models") / "copy"
    bundle.save(path)
    return path


@pytest.mark.parametrize("arguments", [(), ("--buffer-size", 1), ("--threads", 3, "--buffer-size", 4)], ids=str)
def test_the_command_answers_as_with_nmtk(nmtk: Callable[..., Any], folder: Path, arguments: tuple[Any, ...]) -> None:
    text = "".join(f"{line}\n" for line in [*LINES[:9], "", LINES[9]])
    # The guard may turn a beam at any step, and CTranslate2 ends one when it is full.
    command = ("translate", "-m", folder, "--no-loop-guard", "--stop", "full", "--quiet")
    alone = nmtk(*command, "--device", "cpu", stdin=text)
    assert nmtk(*command, "--engine", "ctranslate2", *arguments, stdin=text) == (0, alone.out, "")


def test_it_says_that_it_exports_and_only_then(nmtk: Callable[..., Any], folder: Path) -> None:
    command = ("translate", "-m", folder, "--engine", "ctranslate2")
    ended = nmtk(*command, stdin="A dog runs.\n")
    assert ended.err.startswith("nmtk: exporting the model for ctranslate2, this once, to ")
    assert ended.err.count("\n") == 1
    assert nmtk(*command, stdin="A dog runs.\n") == (0, ended.out, "")


def test_int8_is_near(nmtk: Callable[..., Any], folder: Path) -> None:
    text = "".join(f"{line}\n" for line in LINES[:50])
    found = [
        nmtk("translate", "-m", folder, "--engine", "ctranslate2", "--precision", one, stdin=text).out.splitlines()
        for one in ("float32", "int8")
    ]
    assert sum(one == other for one, other in zip(*found, strict=True)) > 25


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--decode", "mbr"), 1, "nmtk: error: --engine ctranslate2: found --decode mbr, wanted greedy or beam"),
        (("-m", "{folder}"), 1, "nmtk: error: --engine ctranslate2: it knows no ensembles: wanted one --model"),
        (("--device", "cuda"), 2, "--engine ctranslate2 is for CPUs: found --device cuda"),
    ],
)
def test_a_refusal_comes_before_anything_is_read(
    nmtk: Callable[..., Any], folder: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    given = [one.format(folder=folder) for one in arguments]
    ended = nmtk("translate", "-m", folder, "--engine", "ctranslate2", "-i", folder / "none", *given)
    assert (ended.code, ended.out) == (code, "")
    assert said in " ".join(ended.err.split())


def test_another_engine_does_not_go_on_with_the_work_of_one(
    nmtk: Callable[..., Any], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmtk.translation.parts.EVERY", 0.0)
    source, output = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_text('{"text": "A dog."}\n{"text": "A cat."}\nno JSON\n')
    files = ("translate", "-m", folder, "--device", "cpu", "-i", source, "-o", output, "--buffer-size", 1)
    assert nmtk(*files).code == 1
    ended = nmtk(*files, "--engine", "ctranslate2", "--resume")
    assert ended.code == 1
    assert 'begun with engine null, now "CTranslate2 auto"' in ended.err


def test_what_to_install_is_told(nmtk: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    ended = nmtk("translate", "-m", folder, "--engine", "ctranslate2", stdin="A dog.\n")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("nmtk: error: ctranslate2 cannot be imported (")
    assert ended.err.endswith("): pip install 'nmtk[interop]'\n")
