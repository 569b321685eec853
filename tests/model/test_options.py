import inspect

import pytest
import torch

from nmtk.documents import Document
from nmtk.errors import OptionsError
from nmtk.model.options import PRESETS, TransformerOptions
from nmtk.model.transformer import Transformer


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_its_fields_and_any_may_be_overridden(preset: str) -> None:
    options = TransformerOptions.parse({"preset": preset}, "test").document()
    assert options == TransformerOptions().document() | PRESETS[preset] | {"preset": preset}
    other = TransformerOptions.parse({"preset": preset, "width": 48, "heads": 6}, "test").document()
    assert other == options | {"width": 48, "heads": 6}


@pytest.mark.parametrize("preset", PRESETS)
def test_options_survive_their_document(preset: str, positions: str) -> None:
    options = TransformerOptions.parse({"preset": preset, "positions": positions, "dropout": 0.25}, "test")
    assert TransformerOptions.parse(options.document(), "test") == options
    assert TransformerOptions.parse(options.minimal(), "test") == options


def test_every_preset_can_be_named() -> None:
    assert set(PRESETS) == set(inspect.get_annotations(TransformerOptions)["preset"].__args__)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"preset": "bse"}, 'test: preset: found "bse", wanted one of tiny, small, base, big, deep-shallow'),
        ({"width": 100, "heads": 8}, "test: width 100 cannot be cut into 8 heads of equal width"),
        ({"width": 15, "heads": 3}, "test: sinusoid positions need an even width, found 15"),
        ({"width": 18, "heads": 6, "positions": "rotary"}, "test: rotary positions need heads of even width, found 3"),
        ({"dropout": 1.0}, "test: dropout: found 1.0, wanted a number less than 1"),
        ({"positions": "sinus"}, 'test: positions: found "sinus", wanted one of'),
        ({"positions": {"kind": "learned", "longest": 9}}, "test: unknown key positions.longest"),
        ({"layers": 6}, "test: unknown key layers"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(document: Document, message: str) -> None:
    with pytest.raises(OptionsError) as raised:
        TransformerOptions.parse(document, "test")
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_three_way_tying_needs_one_vocabulary() -> None:
    with pytest.raises(OptionsError) as raised:
        Transformer(TransformerOptions(preset="tiny"), 50, 60)
    assert str(raised.value) == (
        "model.tying: three-way needs one vocabulary for both sides, found 50 source and 60 target pieces; "
        "make the vocabulary joint, or set tying to decoder"
    )


@pytest.mark.parametrize(("preset", "millions"), [("base", 65), ("big", 213)])
def test_the_papers_models_have_the_papers_sizes(preset: str, millions: int) -> None:
    """Vaswani et al. 2017, table 3, with the shared vocabulary of "about 37000" pieces (section 5.1)."""
    with torch.device("meta"):
        model = Transformer(TransformerOptions.parse({"preset": preset}, "test"), 37_000, 37_000)
    assert model.parameter_count == pytest.approx(millions * 1e6, rel=0.03)


@pytest.mark.parametrize("preset", PRESETS)
def test_parameters_are_those_of_the_architecture(preset: str) -> None:
    options = TransformerOptions.parse({"preset": preset}, "test")
    with torch.device("meta"):
        count = Transformer(options, 1000, 1000).parameter_count
    D, F = options.width, options.inner
    attention, feed_forward, norm = 4 * (D * D + D), D * F + F + F * D + D, 2 * D
    encoder = options.encoder_layers * (attention + feed_forward + 2 * norm)
    decoder = options.decoder_layers * (2 * attention + feed_forward + 3 * norm)
    assert count == 1000 * D + encoder + decoder
