import subprocess
import sys
from pathlib import Path

import pytest

import nmtk
from nmtk.bundle import Bundle
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.system import System
from nmtk.errors import DataError, ModelError, OptionsError
from tests.decoding.copying import sentences

LINES = sentences(5, 1001)


@pytest.fixture(scope="module")
def system(folder: Path) -> System:
    return nmtk.load(folder, device="cpu", precision="float32")


def test_text_gives_text_and_a_list_gives_a_list(system: System) -> None:
    many = system.translate(LINES)
    assert isinstance(many, list)
    assert [system.translate(line) for line in LINES] == many
    assert system.translate([]) == []
    assert system.translate("") == ""
    assert system.translate([LINES[0]]) == many[:1]


def test_a_strategy_given_with_the_text_is_used(system: System) -> None:
    assert system.translate(LINES, nmtk.Greedy()) == system.translate(LINES, nmtk.Beam(width=1))
    assert system.translate(LINES) == system.translate(LINES, nmtk.Beam())


def test_scores_follow_the_shape_of_the_question(system: System) -> None:
    one = system.score(LINES[0], LINES[1])
    many = system.score(LINES[:2], LINES[1:3])
    assert one.logp == pytest.approx(many[0].logp, abs=1e-4)
    assert len(many) == 2
    with pytest.raises(DataError, match="the target side ends after line 1"):
        system.score(LINES[:2], LINES[:1])


def test_a_model_translates_as_its_folder_says(bundle: Bundle, tmp_path: Path) -> None:
    own = bundle._replace(decoding=DecodingOptions(strategy=nmtk.Beam(width=7)).minimal())
    own.save(tmp_path / "model")
    assert nmtk.load(str(tmp_path), device="cpu").options.strategy == nmtk.Beam(width=7)


def test_a_missing_model_is_named_with_its_neighbour(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"copi: no such model folder; did you mean copy\?$"):
        nmtk.load(folder.with_name("copi"), device="cpu")


def test_a_device_that_is_not_here_is_refused(folder: Path) -> None:
    with pytest.raises(OptionsError, match=r"^device: cuda:99 is not on this machine; here: .*cpu$"):
        nmtk.load(folder, device="cuda:99")


def test_importing_nmtk_imports_nothing_else() -> None:
    code = (
        "import sys, nmtk; print(*sorted(m for m in sys.modules if m.split('.')[0] in ('torch', 'numpy', 'pydantic')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_the_package_says_what_it_has() -> None:
    names = {"Beam", "DiverseBeam", "Greedy", "Mbr", "Request", "Sampling", "load"}
    assert set(dir(nmtk)) == {*names, "__version__"}
    assert all(hasattr(nmtk, name) for name in names)
    with pytest.raises(AttributeError, match="module 'nmtk' has no attribute 'lode'"):
        nmtk.lode  # noqa: B018
