import cmath
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from nmtk.errors import DataError
from nmtk.model.attention import Attend
from nmtk.model.positions import TABLE, Positions, RelativeAttend, RotaryAttend
from nmtk.model.transformer import Transformer


def kind(document: Any) -> Any:
    return TypeAdapter(Positions).validate_python(document)


def signal(layout: str, width: int, start: int, stop: int) -> Tensor:
    return kind({"kind": "sinusoid", "layout": layout}).at_input(width)(
        torch.zeros(1, stop - start, width), start, stop
    )[0]


def interleaved(p: int, j: int, width: int) -> float:
    """PE(p, 2i) = sin(p / 10000^(2i/D)), PE(p, 2i+1) = cos(p / 10000^(2i/D)): Vaswani et al. 2017, section 3.5."""
    angle = p / 10000 ** ((j - j % 2) / width)
    return math.cos(angle) if j % 2 else math.sin(angle)


def concatenated(p: int, j: int, width: int) -> float:
    """Tensor2Tensor: timescales from 1 to 10000 in equal steps of their logarithm, sines before cosines."""
    half = width // 2
    increment = math.log(10000 / 1) / (half - 1)
    angle = p * math.exp((j % half) * -increment)
    return math.sin(angle) if j < half else math.cos(angle)


def hf_marian(p: int, j: int, width: int) -> float:
    half = width // 2
    return interleaved(p, 2 * (j % half) + (j >= half), width)


@pytest.mark.parametrize("literal", [interleaved, concatenated, hf_marian])
@pytest.mark.parametrize(("start", "stop"), [(0, 40), (7, 8), (TABLE - 2, TABLE + 2), (TABLE + 500, TABLE + 501)])
def test_sinusoids_are_their_formulas(literal: Callable[[int, int, int], float], start: int, stop: int) -> None:
    wanted = torch.tensor([[literal(p, j, 12) for j in range(12)] for p in range(start, stop)])
    layout = literal.__name__.replace("_", "-")
    torch.testing.assert_close(signal(layout, 12, start, stop), wanted, atol=1e-6, rtol=0)


def test_the_layouts_differ() -> None:
    first, second, third = (signal(layout, 12, 0, 30) for layout in ("interleaved", "concatenated", "hf-marian"))
    assert (first - second).abs().max() > 0.5
    assert (second - third).abs().max() > 0.5
    torch.testing.assert_close(first[:, 0::2], third[:, :6])
    torch.testing.assert_close(first[:, 1::2], third[:, 6:])


def test_a_place_depends_on_its_number_alone(positions: str) -> None:
    """Input from a start is a slice of the whole; the one place of a decoding step is added to all that share it."""
    at_input = kind(positions).at_input(16)
    x = torch.randn(2, 10, 16)
    whole = at_input(x, 0, 10)
    torch.testing.assert_close(at_input(x[:, 4:7], 4, 7), whole[:, 4:7])
    shared = x[:, 4:5].expand(-1, 3, -1)
    torch.testing.assert_close(at_input(shared, 4, 5), whole[:, 4:5].expand(-1, 3, -1))


def test_learned_positions_end_with_a_clear_error(make_model: Callable[..., Transformer]) -> None:
    model = make_model(positions={"kind": "learned", "maximum": 6})
    assert model.longest == 6
    model.encode(torch.zeros(1, 6, dtype=torch.int64), None)
    with pytest.raises(DataError) as raised:
        model.encode(torch.zeros(1, 7, dtype=torch.int64), None)
    assert str(raised.value) == (
        "a sequence of 7 pieces, but this model learned positions for 6: "
        "split the line, or train with a larger model.positions.maximum"
    )


def test_relative_attention_is_its_formula() -> None:
    """Shaw et al. 2018, equations 3 to 5: keys and values of query i and key j have a vector for clip(j - i) added."""
    torch.manual_seed(0)
    attend = RelativeAttend(2, 4, dropout=0.0)
    q, k, v = (torch.randn(5, 4) for _ in range(3))
    wanted = torch.zeros(5, 4)
    for i in range(5):
        row = [max(-2, min(2, j - i)) + 2 for j in range(5)]
        scores = torch.stack([q[i] @ (k[j] + attend.key_NK[row[j]]) / math.sqrt(4) for j in range(5)])
        weights = scores.softmax(0)
        wanted[i] = sum((weights[j] * (v[j] + attend.value_NK[row[j]]) for j in range(5)), torch.zeros(4)).detach()
    torch.testing.assert_close(attend(q[None, None], k[None, None], v[None, None], None, False)[0, 0], wanted)


def test_beyond_the_clip_all_distances_are_one() -> None:
    torch.manual_seed(0)
    attend = RelativeAttend(3, 4, dropout=0.0)
    same = torch.randn(4).expand(1, 1, 12, 4)
    weights = attend.weights(same, same, None, False)[0, 0]
    last = weights[-1]
    assert last[:9].allclose(last[0].expand(9))
    assert (last[8:].diff().abs() > 1e-4).all()


def test_rotary_turns_by_the_angles_of_the_paper() -> None:
    """Su et al. 2021, equations 12 to 15: pair i, as a complex number, times exp(i p theta)."""
    x = torch.randn(1, 1, 9, 8)
    turned = RotaryAttend(8, dropout=0.0).turn(x, 0, 9)[0, 0]
    for p in range(9):
        for i in range(4):
            pair = complex(*x[0, 0, p, 2 * i : 2 * i + 2]) * cmath.exp(1j * p * 10000 ** (-2 * i / 8))
            assert complex(*turned[p, 2 * i : 2 * i + 2]) == pytest.approx(pair, abs=1e-5)


def test_rotary_products_depend_on_the_distance_alone() -> None:
    torch.manual_seed(0)
    attend = RotaryAttend(8, dropout=0.0)
    q, k = torch.randn(8).expand(1, 1, 1, 8), torch.randn(8).expand(1, 1, 1, 8)

    def product(at: int, to: int) -> float:
        return float((attend.turn(q, at, at + 1) * attend.turn(k, to, to + 1)).sum())

    for distance in (-7, 0, 3):
        assert product(10, 10 + distance) == pytest.approx(product(900, 900 + distance), abs=1e-4)
        assert product(10, 10 + distance) == pytest.approx(product(TABLE + 50, TABLE + 50 + distance), abs=1e-3)
    assert product(10, 13) != pytest.approx(product(10, 14), abs=1e-3)


def test_only_a_model_without_positions_reads_a_bag_of_pieces(
    make_model: Callable[..., Transformer], positions: str
) -> None:
    model = make_model(positions=positions)
    source, order = torch.arange(8)[None], torch.randperm(8, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        memory, shuffled = model.encode(source, None), model.encode(source[:, order], None)
    assert torch.allclose(memory[:, order], shuffled, atol=1e-4) == (positions == "none")


def test_each_layer_has_its_own_attention_module(make_model: Callable[..., Transformer], positions: str) -> None:
    attends = [module for module in make_model(positions=positions).modules() if isinstance(module, Attend)]
    assert len(set(map(id, attends))) == 2 + 2 * 2
