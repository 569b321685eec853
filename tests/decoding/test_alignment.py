from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from nmtk.bundle import Bundle
from nmtk.decoding.alignment import Aligned, Aligner, Part, align_words
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.splitting import split
from nmtk.decoding.translator import Translator
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from tests.decoding.copying import copying_bundle, sentences

LINES = sentences(20, 1001)
ODD = [
    "plain words",
    "  two   spaces ",
    "a\u200bb c",  # a space to the vocabulary, none to str.split
    "½ ﷺ Ⅷ…",  # each is several characters to the vocabulary, or several words
    "a\u00a0b\u3000c\u2028d",
    "日本語。 x€y 🙂",
    "\u0301x \u00ad y \x7f",
    "e\u0301 \ufb01x ffi",
]


def copied(bundle: Bundle, line: str) -> Aligned:
    """The line as its own translation."""
    [ids] = bundle.vocabularies.source.encode([line])
    return Aligned(line, bundle.vocabularies.target.decode([ids])[0], [Part(ids, ids)])


@pytest.mark.slow
def test_a_model_that_copies_aligns_each_word_with_itself() -> None:
    bundle = copying_bundle(500)
    found = Aligner(bundle).align([copied(bundle, line) for line in LINES])
    pairs = [pair for line in found for pair in line]
    assert sum(i == j for i, j in pairs) > 0.75 * len(pairs)


def test_even_one_that_has_hardly_begun_does_better_than_chance(bundle: Bundle) -> None:
    found = Aligner(bundle).align([copied(bundle, line) for line in LINES])
    pairs = [pair for line in found for pair in line]
    chance = sum(1 for line in found if line)  # one word of each line
    assert sum(i == j for i, j in pairs) > 2 * chance


def test_weights_are_those_that_the_layer_mixes_the_source_with(bundle: Bundle) -> None:
    """Written out from the projections, for one sentence without padding."""
    (one, other), model = bundle.vocabularies, bundle.model
    [x], [y] = one.encode([LINES[0]]), other.encode([LINES[1]])
    for layer in (0, 1):
        attention, inputs = model.decoder.layers[layer].cross_attention, []
        hook = attention.query.register_forward_hook(lambda _, given, out, inputs=inputs: inputs.append(out))
        aligner = Aligner(bundle)
        aligner.attend = attention.attend
        [found_TS] = aligner.weights([Part(x, y)])
        hook.remove()
        with torch.inference_mode():
            memory_SD = model.encode(torch.tensor([[*x, one.eos]]), None)[0]
            key_SHK = attention.remember(memory_SD)[:, : memory_SD.shape[1]].unflatten(1, (attention.heads, -1))
            query_THK = inputs[0][0].unflatten(1, (attention.heads, -1))
            scores_HTS = torch.einsum("thk,shk->hts", query_THK, key_SHK) / query_THK.shape[-1] ** 0.5
        torch.testing.assert_close(found_TS, scores_HTS.softmax(-1).mean(0)[:-1, :-1])
        assert found_TS.shape == (len(y), len(x))
        assert (found_TS.sum(1) < 1).all()


def test_weights_depend_on_their_pair_alone(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = bundle.vocabularies.source
    parts = [Part(x, y) for x, y in zip(vocabulary.encode(LINES), vocabulary.encode(LINES[::-1]), strict=True)]
    parts += [Part([], parts[0].target), Part(parts[0].source, [])]
    alone = [Aligner(bundle).weights([part])[0] for part in parts]
    for batch_tokens in (1, 60, 10_000):
        monkeypatch.setattr("nmtk.decoding.alignment.BATCH_TOKENS", batch_tokens)
        for found, wanted in zip(Aligner(bundle).weights(parts), alone, strict=True):
            torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("layers", "usual"), [(1, 0), (2, 1), (3, 1), (6, 4)])
def test_the_layer_is_the_last_but_one_of_a_deep_decoder(bundle: Bundle, layers: int, usual: int) -> None:
    size = len(bundle.vocabularies.source)
    options = {"width": 16, "heads": 2, "inner": 16, "encoder_layers": 1, "decoder_layers": layers}
    model = Transformer(TransformerOptions.model_validate(options), size, size).eval()
    assert Aligner(bundle._replace(model=model)).attend is model.decoder.layers[usual].cross_attention.attend


@pytest.mark.parametrize("line", ODD)
def test_every_word_of_the_translation_goes_with_a_word_of_the_source(bundle: Bundle, line: str) -> None:
    one = copied(bundle, line)
    [found] = Aligner(bundle).align([one])
    assert [j for _, j in found] == list(range(len(one.target.split())))
    assert all(0 <= i < len(line.split()) for i, _ in found)


@pytest.mark.parametrize("line", ODD)
def test_pieces_know_the_words_that_they_come_from(bundle: Bundle, line: str) -> None:
    """With a weight of one from each piece to itself, as if attention were perfect, every word finds itself."""
    vocabulary = bundle.vocabularies.source
    [ids] = vocabulary.encode([line])
    found = align_words(line, line, vocabulary.spans(line), vocabulary.spans(line), [torch.eye(len(ids))])
    spoken = {j for _, j in found if vocabulary.encode([line.split()[j]])[0]}  # the others have no piece
    assert all(i == j for i, j in found if j in spoken)


def test_a_character_that_is_spelled_in_bytes_belongs_to_its_word(bundle: Bundle) -> None:
    vocabulary = bundle.vocabularies.source
    line = "€ x🙂 🙂y"
    [ids] = vocabulary.encode([line])
    assert sum(piece.startswith("<0x") for piece in vocabulary.pieces(ids)) >= 11
    text = vocabulary.decode([ids])[0]
    spans = vocabulary.spans(line), vocabulary.decoded_spans(ids)
    assert text == line
    assert align_words(line, text, *spans, [torch.eye(len(ids))]) == [(0, 0), (1, 1), (2, 2)]


def test_of_equals_the_first_is_taken_and_a_long_piece_counts_for_all_its_words() -> None:
    weights_TS = torch.tensor([[0.5, 0.5], [0.2, 0.8]])
    spans = [(0, 1), (1, 3)]
    assert align_words("a b", "c d", spans, spans, [weights_TS]) == [(0, 0), (1, 1)]
    assert align_words("a b", "c d", spans, [(0, 3)], [torch.tensor([[0.1, 0.2]])]) == [(1, 0), (1, 1)]
    assert align_words("", "c", [], [(0, 1)], [torch.empty(1, 0)]) == []


@pytest.mark.parametrize(
    "line", [" ".join(LINES[:4]), "一二三。四五六。七八九、十", "x" * 50, f"{LINES[0]}  {'y' * 30}"]
)
def test_a_line_translated_in_parts_is_counted_from_its_first_word(bundle: Bundle, line: str) -> None:
    """Each part as its own translation, each piece looking at itself alone: all words find themselves."""
    vocabulary, longest = bundle.vocabularies.source, 20
    parts = [Part(ids, ids) for ids in split(line, vocabulary.encode, longest)]
    assert len(parts) > 1
    text = " ".join(vocabulary.decode([part.target for part in parts]))
    aligner = Aligner(bundle, longest=longest)
    aligner.weights = lambda parts: [torch.eye(len(part.source)) for part in parts]  # type: ignore[method-assign]
    [found] = aligner.align([Aligned(line, text, parts)])
    whole = "".join(line.split())
    owner = [word for word, letters in enumerate(line.split()) for _ in letters]
    at = 0
    for (i, j), word in zip(found, text.split(), strict=True):
        assert text.split()[j] == word
        assert whole[at : at + len(word)] == word
        assert i in owner[at : at + len(word)]
        at += len(word)


def test_what_a_translator_has_split_is_aligned(bundle: Bundle) -> None:
    translator = Translator(bundle, DecodingOptions(longest_input=20, longest=12))
    line = " ".join(LINES[:3])
    parts = [Part(ids, ids[:8]) for ids in split(line, bundle.vocabularies.source.encode, 20)]
    text = " ".join(bundle.vocabularies.target.decode([part.target for part in parts]))
    [found] = Aligner(bundle, longest=translator.options.longest_input).align([Aligned(line, text, parts)])
    assert [j for _, j in found] == list(range(len(text.split())))
    assert Aligner(bundle).align([Aligned("", "", [])]) == [[]]


def test_parts_are_matched_as_one_whole_whose_other_weights_are_zero() -> None:
    generator = torch.Generator().manual_seed(1)
    source, target = "aa b ccc  dd e", "v ww x yy z"
    source_spans, target_spans = [(n, n + 1) for n in range(14)], [(n, n + 2) for n in range(0, 10, 2)]
    weights = [torch.rand(*shape, generator=generator) for shape in ((2, 6), (0, 1), (1, 0), (2, 7))]
    whole = torch.block_diag(*weights)
    assert align_words(source, target, source_spans, target_spans, weights) == align_words(
        source, target, source_spans, target_spans, [whole]
    )


class Largest(TorchDispatchMode):
    """Remembers the size of the largest tensor that was made."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor):
            self.elements = max(self.elements, made.numel())
        return made


def test_memory_for_a_long_line_grows_with_it_alone() -> None:
    """Words times words of it would take 1.6 GB."""
    count = 20_000
    spans = [(2 * n, 2 * n + 1) for n in range(count)]
    text = " ".join("a" * count)
    with Largest() as most:
        found = align_words(text, text, spans, spans, [torch.eye(100)] * (count // 100))
    assert found == [(n, n) for n in range(count)]
    assert most.elements <= 100 * 100
