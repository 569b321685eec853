import pytest
import torch

from nmtk.decoding.selection import largest_sums


@pytest.mark.parametrize("size", [2, 5, 31, 32, 33, 64, 1000, 1024])
@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("count", [1, 4, 10])
def test_it_is_the_top_of_all_sums(size: int, width: int, count: int) -> None:
    generator = torch.Generator().manual_seed(size)
    base_BW, more_BWV = (torch.randn(shape, generator=generator) for shape in ((3, width), (3, width, size)))
    base_BW[1, 1:] = -torch.inf
    sums_BC, places_BC = largest_sums(base_BW, more_BWV, count)
    every = (base_BW[..., None] + more_BWV).flatten(1)
    assert torch.equal(sums_BC, every.topk(min(count, width * size)).values)
    assert torch.equal(every.gather(1, places_BC), sums_BC)
    assert all(len(set(row)) == len(row) for row in places_BC.tolist()), "an entry was taken twice"


def test_equal_entries_are_each_taken_once() -> None:
    sums_BC, places_BC = largest_sums(torch.zeros(1, 2), torch.zeros(1, 2, 96), 8)
    assert sums_BC.tolist() == [[0.0] * 8]
    assert len(set(places_BC[0].tolist())) == 8
