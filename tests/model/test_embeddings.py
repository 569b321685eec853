import pytest
import torch

from nmtk.model.embeddings import Embedding


@pytest.mark.parametrize("scale", [True, False])
def test_rows_times_the_root_of_the_width(scale: bool) -> None:
    embedding = Embedding(11, 16, scale)
    ids = torch.randint(11, (3, 4))
    torch.testing.assert_close(embedding(ids), embedding.weight[ids] * (4.0 if scale else 1.0))


@torch.no_grad()
def test_scaled_vectors_have_the_size_of_positions_and_tied_logits_are_of_size_one() -> None:
    torch.manual_seed(0)
    embedding = Embedding(2000, 64, scale=True)
    assert embedding(torch.arange(2000)).std() == pytest.approx(1.0, rel=0.02)
    assert (torch.randn(100, 64) @ embedding.weight.T).std() == pytest.approx(1.0, rel=0.02)
