"""Laws of the project as a whole: what stands where, and what it may say."""

import ast
import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VISIBLE = {"LICENSE", "README.md", "nmtk", "pyproject.toml", "recipes", "tests"}
LICENCE = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""The SHA-256 of https://www.apache.org/licenses/LICENSE-2.0.txt."""


def tracked() -> list[Path]:
    """The files that git keeps, or is about to: those it neither tracks nor ignores count too."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [Path(name) for name in names if (ROOT / name).is_file()]


def test_nothing_else_shows_at_the_top() -> None:
    assert {path.parts[0] for path in tracked() if not path.parts[0].startswith(".")} <= VISIBLE


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    place = re.compile(rb"(?<![\w.~$}-])/(?:home|root|work|Users)/\w")
    assert [str(path) for path in tracked() if place.search((ROOT / path).read_bytes())] == []


def test_files_stay_small() -> None:
    """One purpose each. The limit is far above the usual 100 to 200 lines: who meets it has two things in one."""
    modules = [path for path in tracked() if path.parts[0] == "nmtk" and path.suffix == ".py"]
    assert {str(path): n for path in modules if (n := (ROOT / path).read_bytes().count(b"\n")) > 500} == {}


def test_packages_export_nothing() -> None:
    """A name is imported from the file that defines it; only `nmtk` itself offers a few."""
    packages = [path for path in tracked() if path.name == "__init__.py" and path.parts[0] == "nmtk"]
    inner = {path: ast.parse((ROOT / path).read_bytes()) for path in packages if len(path.parts) > 2}
    speaking = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef)
    assert [str(path) for path, tree in inner.items() if any(isinstance(node, speaking) for node in tree.body)] == []


def test_the_licence_is_apache_2_verbatim() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == LICENCE


def test_what_is_built_holds_the_package_and_the_recipes() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert build["wheel"]["packages"] == ["nmtk"]
    assert build["wheel"]["force-include"] == {"recipes": "nmtk/recipes"}


def test_the_command_and_the_versions_are_declared_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["scripts"] == {"nmtk": "nmtk.cli.app:main"}
    oldest = project["requires-python"].removeprefix(">=")
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert f'"{oldest}"' in workflow, "CI runs on the oldest Python that is promised"
