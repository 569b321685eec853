import math

import pytest
import torch
from torch import Tensor

from nmtk.model.feedforward import Activation, FeedForward


def by_hand(activation: Activation, z: Tensor) -> Tensor:
    """The activation from its definition: Nair and Hinton 2010; Hendrycks and Gimpel 2016; Ramachandran et al. 2017."""
    match activation:
        case "relu":
            return z.clamp_min(0)
        case "gelu" | "geglu":
            return z * (1 + torch.erf(z / math.sqrt(2))) / 2
        case "swish" | "swiglu":
            return z / (1 + torch.exp(-z))


def test_feed_forward_is_its_formula(activation: Activation) -> None:
    torch.manual_seed(0)
    network = FeedForward(8, 12, activation)
    x = torch.randn(2, 3, 8)
    h = network.inner(x)
    h = by_hand(activation, h[..., :12]) * h[..., 12:] if activation.endswith("glu") else by_hand(activation, h)
    torch.testing.assert_close(network(x), network.out(h), atol=1e-6, rtol=1e-5)


def test_each_position_is_by_itself(activation: Activation) -> None:
    network = FeedForward(8, 12, activation)
    x = torch.randn(2, 3, 8)
    torch.testing.assert_close(network(x)[:, 1:2], network(x[:, 1:2]), atol=1e-6, rtol=1e-5)


def test_inner_dropout_acts_between_the_two_maps() -> None:
    torch.manual_seed(0)
    network = FeedForward(8, 512, "relu", dropout=0.5)
    seen: list[Tensor] = []
    network.out.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    x = torch.randn(4, 16, 8)
    network.eval()(x)
    network.train()(x)
    plain, dropped = seen
    lost = ((plain > 0) & (dropped == 0)).sum() / (plain > 0).sum()
    assert lost == pytest.approx(0.5, abs=0.02)
