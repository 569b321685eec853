"""Figures of an update are read from the GPU that they are on."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from nmtk.data.cursor import Cursor, Share
from nmtk.training.window import Checked


@pytest.mark.parametrize("device", ["cuda:0", "cuda:1"])
def test_the_answer_is_waited_for_on_the_gpu_that_gives_it(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    waited: list[torch.device] = []

    class Event:
        def record(self, stream: torch.device = torch.device("cuda:0")) -> None:  # noqa: B008
            waited.append(stream)

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", torch.device)
    with FakeTensorMode():  # tensors of a GPU that need none
        sums, norm = torch.ones(2, device=device), torch.ones((), device=device)
        Checked(1, Share(Cursor(), [], 1, 0.0), sums, norm)
    assert waited == [torch.device(device)]
