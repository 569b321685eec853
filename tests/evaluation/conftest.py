import difflib
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class Judge:
    """Stands in for a COMET model, which is gigabytes: judges by likeness, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def predict(self, samples: list[dict[str, str]], **settings: Any) -> SimpleNamespace:
        self.asked.append({"samples": samples} | settings)
        scores = [difflib.SequenceMatcher(None, one["mt"], one["ref"]).ratio() for one in samples]
        return SimpleNamespace(scores=scores, system_score=sum(scores) / len(scores))


@pytest.fixture
def comet(monkeypatch: pytest.MonkeyPatch) -> Judge:
    """A stand-in for the package unbabel-comet."""
    judge, module = Judge(), ModuleType("comet")

    def load_from_checkpoint(path: str) -> Judge:
        assert path.startswith("/models/")
        return judge

    vars(module).update(download_model=lambda name: f"/models/{name}", load_from_checkpoint=load_from_checkpoint)
    monkeypatch.setitem(sys.modules, "comet", module)
    return judge
