import difflib
import io
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from sacrebleu.dataset import DATASETS
from sacrebleu.dataset.plain_text import PlainTextDataset

SOURCE, REFERENCE = ["One.", "Two\u2028dogs."], ["Eins.", "Zwei Hunde."]


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


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Make a test set known to sacreBLEU, which is fetched from an archive on this machine, and kept in `cache`."""

    def make(name: str, source: list[str] = SOURCE, md5: str | None = None) -> Path:
        archive = tmp_path / f"{name}.tgz"
        with tarfile.open(archive, "w:gz") as tar:
            for file, lines in (("all.en", source), ("all.de", REFERENCE)):
                data = "".join(line + "\n" for line in lines).encode()
                entry = tarfile.TarInfo(file)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        dataset = PlainTextDataset(
            name, data=[archive.as_uri()], md5=[md5] if md5 else None, langpairs={"en-de": ["all.en", "all.de"]}
        )
        dataset._outdir = str(tmp_path / "cache" / name)
        dataset._rawdir = str(tmp_path / "cache" / name / "raw")
        monkeypatch.setitem(DATASETS, name, dataset)
        return archive

    return make
