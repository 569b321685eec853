from pathlib import Path

import pytest

from nmtk.bundle import Bundle
from tests.decoding.copying import copying_bundle


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return copying_bundle()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its model folder."""
    path = tmp_path_factory.mktemp("models") / "copy"
    copying_bundle().save(path)
    return path
