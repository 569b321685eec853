import shutil
from pathlib import Path
from typing import Any

import pytest

from nmtk.bundle import Bundle, find
from nmtk.documents import read_yaml, to_yaml
from nmtk.errors import ModelError, NmtkError
from tests.decoding.copying import copying_bundle


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "copy"
    copying_bundle().save(path)
    return path


LACKING = object()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("format", 2, "found format 2, wanted 1"),
        ("format", LACKING, "found format None, wanted 1"),
        ("model", LACKING, "model is missing"),
        ("model", [1], "model: found [1], wanted a mapping"),
        ("model", None, "model: found null, wanted a mapping"),
        ("model", {"widht": 16}, "unknown key model.widht; did you mean width?"),
        ("decoding", None, "decoding: found null, wanted a mapping"),
        ("decoding", "beam", 'decoding: found "beam", wanted a mapping'),
        ("decode", {}, "unknown key decode; did you mean decoding?"),
    ],
)
def test_options_that_are_not_as_they_should_be_are_one_line(folder: Path, key: str, value: Any, said: str) -> None:
    path = folder / "options.yaml"
    whole = path.read_text("utf-8")
    document = {name: one for name, one in (read_yaml(path) | {key: value}).items() if one is not LACKING}
    path.write_text(to_yaml(document), "utf-8")
    try:
        with pytest.raises(NmtkError) as error:
            Bundle.load(folder)
        assert str(error.value) == f"{path}: {said}"
    finally:
        path.write_text(whole, "utf-8")


def test_no_model_is_found_in_a_checkpoint_that_is_half_written(folder: Path, tmp_path: Path) -> None:
    half = tmp_path / "run" / "checkpoints" / ".00000006.part"
    shutil.copytree(folder, half)
    with pytest.raises(ModelError, match="no model in this folder"):
        find(tmp_path / "run")
    for update in ("00000004", "00000005"):
        shutil.copytree(folder, half.with_name(update))
    assert find(tmp_path / "run").name == "00000005"
