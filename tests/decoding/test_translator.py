import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from nmtk.bundle import Bundle
from nmtk.decoding.hypotheses import Hypothesis
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.sentences import Request, Sentence
from nmtk.decoding.strategies import Beam, DiverseBeam, Greedy, Mbr, Sampling, Strategy
from nmtk.decoding.translator import Translator
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from tests.decoding.copying import sentences

LINES = sentences(40, 1001)
STRATEGIES = [
    Greedy(),
    Beam(width=4),
    Beam(width=3, stop="exact"),
    DiverseBeam(width=4, groups=2),
    Sampling(samples=2),
    Mbr(samples=6, top_p=0.9),
]
each_strategy = pytest.mark.parametrize("strategy", STRATEGIES, ids=str)


def make(bundle: Bundle, **options: Any) -> Translator:
    return Translator(bundle, DecodingOptions(**options))


def texts(bundle: Bundle, lines: list[str], **options: Any) -> list[str]:
    return make(bundle, **options).translate_all(lines)


@each_strategy
def test_a_translation_depends_on_its_line_alone(bundle: Bundle, strategy: Strategy) -> None:
    """Not on the batch's size or on what else is there: the same pieces, scores equal to 1e-4."""
    lines = LINES[:24]
    translator = make(bundle, strategy=strategy)
    alone = [next(translator.candidates([line], first=number))[0] for number, line in enumerate(lines)]
    for batch_tokens in (60, 100_000):
        found = [best for best, *_ in make(bundle, strategy=strategy, batch_tokens=batch_tokens).candidates(lines)]
        assert [one.text for one in found] == [one.text for one in alone]
        assert [one.ids for one in found] == [one.ids for one in alone]
        assert [one.score for one in found] == pytest.approx([one.score for one in alone], abs=1e-4)


@each_strategy
def test_a_translation_does_not_depend_on_the_order(bundle: Bundle, strategy: Strategy) -> None:
    encoded = bundle.vocabularies.source.encode(LINES[:24])
    batch = [Sentence(ids, number) for number, ids in enumerate(encoded)]
    translator = make(bundle, strategy=strategy, batch_tokens=200)
    best = min(2, strategy.width)
    wanted, found = translator.search(batch, best), translator.search(batch[::-1], best)[::-1]
    for some, others in zip(wanted, found, strict=True):
        assert [one.ids for one in some] == [one.ids for one in others]
        assert [one.score for one in some] == pytest.approx([one.score for one in others], abs=1e-4)


def test_the_model_is_no_trivial_one(bundle: Bundle) -> None:
    """What the other tests compare differs from line to line, and mostly ends of itself."""
    found = [best for best, *_ in make(bundle).candidates(LINES)]
    assert len({one.text for one in found}) > 20
    assert sum(one.cut for one in found) < 5


def test_a_beam_of_width_one_is_greedy_search(bundle: Bundle) -> None:
    assert texts(bundle, LINES, strategy=Beam(width=1)) == texts(bundle, LINES, strategy=Greedy())


def test_cached_search_is_the_uncached_one(bundle: Bundle) -> None:
    """Greedy search, again from the whole sentence at each step."""
    vocabulary, model = bundle.vocabularies.source, bundle.model
    plain = make(bundle, strategy=Greedy(), loop_guard=False)
    for line, [found] in zip(LINES[:8], plain.candidates(LINES[:8]), strict=True):
        source = torch.tensor([[*vocabulary.encode([line])[0], vocabulary.eos]])
        ids = [vocabulary.bos]
        with torch.inference_mode():
            while vocabulary.eos not in ids[1:] and not (found.cut and len(ids) > len(found.ids)):
                logits_V = model(source, None, torch.tensor([ids]))[0, -1]
                logits_V[[vocabulary.pad, vocabulary.bos, vocabulary.unk]] = -torch.inf
                ids.append(int(logits_V.argmax()))
        assert [one for one in ids[1:] if one != vocabulary.eos] == found.ids


@each_strategy
def test_empty_lines_stay_empty_and_never_reach_the_model(
    bundle: Bundle, strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["", LINES[0], "   ", "\t", LINES[1], "\u200b", " \u3000", ""]
    translator = make(bundle, strategy=strategy)
    one, other = (next(translator.candidates([LINES[n]], first=at))[0].text for n, at in ((0, 1), (1, 4)))
    assert translator.translate_all(lines) == ["", one, "", "", other, "", "", ""]
    monkeypatch.setattr("nmtk.decoding.translator.search", None)
    assert translator.translate_all(["", " ", "\t"]) == ["", "", ""]
    assert translator.translate_all([]) == []


def test_as_many_lines_come_out_as_go_in_and_in_their_order(bundle: Bundle) -> None:
    lines = [*LINES[:9], "", LINES[3], LINES[3], "x" * 300, " "]
    alone = [text for line in lines for text in texts(bundle, [line], longest_input=50)]
    for buffer in (1, 2, 5, 100):
        translator = make(bundle, longest_input=50)
        assert list(translator.translate(lines, buffer)) == alone


@pytest.mark.parametrize("buffer", [1, 3])
def test_no_more_is_read_than_is_answered(bundle: Bundle, buffer: int) -> None:
    read = []

    def source() -> Iterator[str]:
        for line in itertools.cycle(LINES):
            read.append(line)
            yield line

    answers = make(bundle, strategy=Greedy()).translate(source(), buffer)
    for number in range(1, 8):
        next(answers)
        assert len(read) == -(-number // buffer) * buffer


def test_a_line_that_is_too_long_is_translated_in_parts(bundle: Bundle) -> None:
    longest = max(map(len, bundle.vocabularies.source.encode(LINES[:4])))
    translator = make(bundle, longest_input=longest)
    [found] = next(translator.candidates([" ".join(LINES[:4])]))
    parts = [next(translator.candidates([line]))[0] for line in LINES[:4]]
    assert found.parts == 4
    assert found.text == " ".join(part.text for part in parts)
    assert found.ids == [piece for part in parts for piece in part.ids]
    assert found.logp == pytest.approx(sum(part.logp for part in parts), abs=1e-4)
    assert found.score == pytest.approx(sum(part.score for part in parts), abs=1e-4)
    assert all(part.parts == 1 for part in parts)


def test_a_forbidden_phrase_where_two_sentences_meet_is_told(bundle: Bundle) -> None:
    """Neither sentence's search can know of it."""
    translator = make(bundle, split="sentences")
    parts = texts(bundle, LINES[:2])
    joint = f"{parts[0].split()[-1]} {parts[1].split()[0]}"
    lines = [Request(" ".join(LINES[:2]), forbidden=(phrase,)) for phrase in (joint, f"  {joint} ", "xyz")]
    found = [best for [best] in translator.candidates(lines)]
    assert [one.text for one in found] == [" ".join(parts)] * 3
    assert [one.breached for one in found] == [True, True, False]


def test_a_paragraph_is_the_translations_of_its_sentences(bundle: Bundle) -> None:
    paragraphs = [f"1. {LINES[0]}  {LINES[1]}", LINES[2], "", " ", " ".join(LINES[3:6])]
    parts = [[f"1. {LINES[0]}", LINES[1]], [LINES[2]], [], [], LINES[3:6]]
    found = [best for [best] in make(bundle, split="sentences").candidates(paragraphs)]
    assert [one.text for one in found] == [" ".join(texts(bundle, one)) for one in parts]
    assert [one.parts for one in found] == [*map(len, parts)]


def test_sentences_end_by_the_rules_of_the_models_language_unless_another_is_named(bundle: Bundle) -> None:
    line = "Dog on 3. Oktober."
    for card, options, count in (
        ({}, {}, 2),
        ({"source": "de"}, {}, 1),
        ({"source": "de"}, {"source_language": "en"}, 2),
        ({"source": "en"}, {"source_language": "de-DE"}, 1),
    ):
        [[found]] = make(bundle._replace(card=card), split="sentences", **options).candidates([line])
        assert found.parts == count


def test_the_best_come_in_order_and_the_first_is_the_translation(bundle: Bundle) -> None:
    translator = make(bundle, strategy=Beam(width=5))
    for line, found in zip(translator.translate_all(LINES), translator.candidates(LINES, best=5), strict=True):
        scores = [one.score for one in found]
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(one.ids) for one in found}) == len(found)
        assert found[0].text == line


@pytest.mark.parametrize("strategy", [Beam(width=8), DiverseBeam(width=8, groups=4)], ids=lambda one: str(one.kind))
def test_no_text_stands_twice_among_the_best(bundle: Bundle, strategy: Strategy) -> None:
    found = list(make(bundle, strategy=strategy).candidates(sentences(12, 1003), best=8))
    for some in found:
        texts = [one.text for one in some]
        assert len(set(texts)) == len(texts)
        assert [one.score for one in some] == sorted((one.score for one in some), reverse=True)
    if isinstance(strategy, DiverseBeam):
        assert any(len(some) < 8 for some in found), "groups find the same"


@pytest.mark.parametrize("lengths", [{"max_ratio": 0.0, "max_extra": 3}, {"longest": 4}])
def test_no_translation_is_longer_than_allowed(bundle: Bundle, lengths: dict[str, Any]) -> None:
    options = DecodingOptions(**lengths)
    found = [best for best, *_ in Translator(bundle, options).candidates(LINES)]
    for one, ids in zip(found, bundle.vocabularies.source.encode(LINES), strict=True):
        assert len(one.token_logps) <= options.limit(len(ids))
        assert one.cut == (len(one.token_logps) == options.limit(len(ids)))
    assert any(one.cut for one in found)


@each_strategy
@pytest.mark.parametrize("unknown", [False, True])
def test_pieces_that_are_no_text_are_never_said(bundle: Bundle, strategy: Strategy, unknown: bool) -> None:
    """Not even by a model that finds nothing likelier; `unknown` lets it say the unknown piece."""
    vocabulary = bundle.vocabularies.target
    special = {vocabulary.pad, vocabulary.bos, vocabulary.unk}
    options = TransformerOptions.parse({"preset": "tiny", "width": 16, "output_bias": True}, "test")
    model = Transformer(options, len(vocabulary), len(vocabulary)).eval()
    assert model.output_bias_V is not None
    with torch.no_grad():
        model.output_bias_V[list(special)] = 100.0
    translator = make(bundle._replace(model=model), strategy=strategy, unknown=unknown, longest=8)
    said = {piece for [best] in translator.candidates(LINES[:3]) for piece in best.ids}
    assert said & special == ({vocabulary.unk} if unknown else set())


def test_a_limit_grows_with_the_source_up_to_the_longest() -> None:
    options = DecodingOptions(max_ratio=1.5, max_extra=2, longest=20)
    assert [options.limit(pieces) for pieces in (0, 1, 3, 100)] == [4, 5, 8, 20]
    assert DecodingOptions(max_ratio=0.0, max_extra=0).limit(9) == 1


def test_an_answer_is_one_line_whatever_the_pieces_say(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vocabulary that spells rare characters in bytes could spell a line's end."""
    pieces = bundle.vocabularies.target.pieces(range(len(bundle.vocabularies.target)))
    spelled = [pieces.index(f"<0x{byte:02X}>") for byte in b"a\nb\rc\r\nd\0e"]

    def spell(self: Translator, sources: list[list[int]], best: int) -> list[list[Hypothesis]]:
        return [[Hypothesis(spelled, -1.0, -1.0, [-1.0])] for _ in sources]

    monkeypatch.setattr(Translator, "decide", spell)
    assert texts(bundle, ["dog"]) == ["a b c  d e"]


def test_a_line_may_hold_line_ends_of_other_systems(bundle: Bundle) -> None:
    lines = ["The dog\u2028runs.", "A cat\rsings.", "A\x85bird."]
    assert len(texts(bundle, lines)) == 3
    assert not any("\n" in text or "\r" in text for text in texts(bundle, lines))


def test_a_model_whose_positions_end_is_never_asked_beyond_them(bundle: Bundle) -> None:
    size = len(bundle.vocabularies.source)
    options = TransformerOptions.parse(
        {"width": 16, "heads": 2, "inner": 16, "encoder_layers": 1, "decoder_layers": 1}
        | {"positions": {"kind": "learned", "maximum": 12}},
        "test",
    )
    limited = bundle._replace(model=Transformer(options, size, size).eval())
    lines = [" ".join(LINES[:3]), "x" * 50]
    found = [best for best, *_ in make(limited).candidates(lines)]
    assert all(one.parts > 1 for one in found)
    assert len(found) == 2


def test_equal_lines_are_translated_once_unless_they_are_drawn(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [LINES[0], LINES[1], LINES[0], LINES[0], "", LINES[1]]
    asked: list[int] = []
    translator = make(bundle)
    decide = Translator.decide

    def count(self: Translator, batch: Any, best: int) -> Any:
        asked.append(len(batch))
        return decide(self, batch, best)

    monkeypatch.setattr(Translator, "decide", count)
    one, other = texts(bundle, LINES[:2])
    asked.clear()
    assert translator.translate_all(lines) == [one, other, one, one, "", other]
    assert sum(asked) == 2
    asked.clear()
    drawn = make(bundle, strategy=Sampling(samples=1)).translate_all(lines)
    assert sum(asked) == 5
    assert len({drawn[0], drawn[2], drawn[3]}) > 1
