import pytest

from nmtk.processes import local_rank, local_size, own_rank, restarts, world_size

OF_TORCHRUN = ("WORLD_SIZE", "RANK", "LOCAL_WORLD_SIZE", "LOCAL_RANK", "TORCHELASTIC_RESTART_COUNT")


def told() -> list[int]:
    return [world_size(), own_rank(), local_size(), local_rank(), restarts()]


def test_a_process_knows_what_torchrun_says_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_TORCHRUN:
        monkeypatch.delenv(name, raising=False)
    assert told() == [1, 0, 1, 0, 0]
    for name, value in zip(OF_TORCHRUN, "85413", strict=True):
        monkeypatch.setenv(name, value)
    assert told() == [8, 5, 4, 1, 3]
