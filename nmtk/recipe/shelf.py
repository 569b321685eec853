"""The shelf: the recipes that come with nmtk, and how a recipe is found. Reads no document, so that it is quick."""

from importlib.resources import files
from pathlib import Path

from nmtk.errors import OptionsError
from nmtk.options import nearest

DOCUMENT = "recipe.yaml"


def shipped() -> dict[str, Path]:
    """The folders of the recipes that come with nmtk, by name."""
    package = Path(str(files("nmtk")))
    for home in (package / "recipes", package.parent / "recipes"):
        if home.is_dir():
            return {folder.name: folder for folder in sorted(home.iterdir()) if (folder / DOCUMENT).is_file()}
    return {}


def locate(path: Path) -> Path:
    """The document that is meant by a recipe's folder, its YAML file, or the name of one that comes with nmtk.

    A file beside a shipped recipe goes by both names, as `back-translation/baseline.yaml`. Raises OptionsError when
    there is none, with the nearest name.
    """
    if path.is_file():
        return path
    if (path / DOCUMENT).is_file():
        return path / DOCUMENT
    if path.is_dir():
        raise OptionsError(f"{path}: no {DOCUMENT} in this folder")
    known = shipped()
    folder, file = (path.parent, path.name) if path.suffix in (".yaml", ".yml") else (path, DOCUMENT)
    home = known.get(folder.name) if folder.parent.name in ("", "recipes") else None
    if home and (home / file).is_file():
        return home / file
    raise OptionsError(f"{path}: no such recipe{nearest(path.name, list(known))}")
