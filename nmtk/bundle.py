"""The model folder: all that is needed to translate, and where it came from.

    model.safetensors     the weights
    options.yaml          format, the model's options, the defaults for decoding
    vocabulary.model      SentencePiece; source.model and target.model when the sides have their own
    card.yaml             where it came from: data hashes, training, scores with their signatures

Nothing in it is ever unpickled.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import Field
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from nmtk.documents import Document, read_yaml, to_yaml
from nmtk.errors import ModelError
from nmtk.files import atomic_folder, write_text
from nmtk.model.int8 import quantise
from nmtk.model.options import TransformerOptions
from nmtk.model.packed import pack
from nmtk.model.transformer import Transformer
from nmtk.options import Options, nearest
from nmtk.vocabulary.vocabulary import FILES as VOCABULARIES
from nmtk.vocabulary.vocabulary import Vocabularies

FORMAT = 1
WEIGHTS, OPTIONS, CARD = "model.safetensors", "options.yaml", "card.yaml"
FILES = frozenset({WEIGHTS, OPTIONS, CARD, *VOCABULARIES})
"""All that a model folder may hold."""
FINAL = "model"
"""The folder in a run where its final model stands."""
CHECKPOINTS = "checkpoints"
"""The folder in a run that holds its checkpoints, each of them a model folder too."""


class FolderOptions(Options):
    """What options.yaml holds."""

    format: int
    model: TransformerOptions
    decoding: Document = Field(default={})
    """The defaults for decoding, which nmtk/decoding/options.py knows."""


class Bundle(NamedTuple):
    """A model with its vocabularies, its defaults for decoding and its card."""

    model: Transformer
    vocabularies: Vocabularies
    decoding: Document
    card: Document

    @classmethod
    def load(
        cls,
        path: Path,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        packed: bool = False,
    ) -> "Bundle":
        """Load a model folder, or the final model of a run (else its newest checkpoint).

        packed: for translating alone, faster where that is known (see model/packed.py); its weights cannot be read
        from it any more. Bytes always are.

        Raises ModelError when there is none, when its format is newer, or when a file is cut short; OptionsError for
        options that are not as they should be.
        """
        folder = find(path)
        options = read_options(folder)
        vocabularies = Vocabularies.load(folder)
        model = Transformer(options.model, len(vocabularies.source), len(vocabularies.target))
        load_weights(model, folder / WEIGHTS)
        card = read_yaml(folder / CARD) if (folder / CARD).exists() else {}
        if dtype == torch.int8:
            quantise(model.to(device))
        else:
            model.to(device, dtype)
            if packed:
                pack(model)
        return cls(model.eval(), vocabularies, options.decoding, card)

    def save(self, folder: Path) -> None:
        """Write the model folder, whole or not at all."""
        with atomic_folder(folder) as beside:
            self.write(beside)

    def write(self, folder: Path, tensors: dict[str, torch.Tensor] | None = None) -> None:
        """Write the files of the model folder into a folder that exists, with these weights or the model's own."""
        # One key alone: of several the order is left to chance, and the same model would not be the same file.
        metadata = {"vocabulary": self.vocabularies.digest}
        write_tensors(folder / WEIGHTS, weights(self.model) if tensors is None else tensors, metadata)
        options = {"format": FORMAT, "model": self.model.options.document(), "decoding": self.decoding}
        write_text(folder / OPTIONS, to_yaml(options))
        self.vocabularies.save(folder)
        write_text(folder / CARD, to_yaml(self.card))


def read_options(folder: Path) -> FolderOptions:
    """The options of a model folder. Raises ModelError when its format is newer, OptionsError for what is wrong."""
    path = folder / OPTIONS
    document = read_yaml(path)
    if document.get("format") != FORMAT:
        raise ModelError(f"{path}: found format {document.get('format')}, wanted {FORMAT}")
    return FolderOptions.parse(document, str(path))


def checkpoints_in(run: Path) -> dict[int, Path]:
    """The checkpoints of a run by update, oldest first; none that is half written."""
    folders = (path for path in (run / CHECKPOINTS).glob("*") if path.name.isdecimal() and path.is_dir())
    return {int(path.name): path for path in sorted(folders)}


def find(path: Path) -> Path:
    """The model folder that a path means: itself, a run's final model, or a run's newest checkpoint."""
    if (path / OPTIONS).is_file() and (path / WEIGHTS).is_file():
        return path
    if (path / FINAL / OPTIONS).is_file():
        return path / FINAL
    if models := [folder for folder in checkpoints_in(path).values() if (folder / OPTIONS).is_file()]:
        return models[-1]
    if path.is_dir():
        raise ModelError(f"{path}: no model in this folder: wanted {WEIGHTS} and {OPTIONS}, or a run's {FINAL}/")
    around = [entry.name for entry in path.parent.iterdir() if entry.is_dir()] if path.parent.is_dir() else []
    raise ModelError(f"{path}: no such model folder{nearest(path.name, around)}")


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The parameters by name, each tied one once."""
    return {name: value.detach().contiguous().cpu() for name, value in model.named_parameters()}


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file. Raises OSError when the disk is full, which safetensors tells in a class of its own."""
    try:
        save_file(tensors, path, metadata)
    except SafetensorError as error:
        raise OSError(str(error)) from None


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file. Raises ModelError when it is missing, cut short or of another kind."""
    try:
        return load_file(path)
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: cut short or damaged: {error}") from None


def load_weights(model: torch.nn.Module, path: Path) -> None:
    """Fill the model's parameters from a file. Raises ModelError for names or shapes that do not fit."""
    found = read_weights(model, path)
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(found[name])


def read_weights(model: torch.nn.Module, path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file, which must be this model's by name and shape. Raises ModelError where they are not."""
    found = read_tensors(path)
    wanted = dict(model.named_parameters())
    if strange := sorted(found.keys() ^ wanted.keys()):
        side = "lacks" if strange[0] in wanted else "has the unknown"
        raise ModelError(f"{path}: {side} weight {strange[0]}: the file is of another model")
    for name, value in wanted.items():
        if found[name].shape != value.shape:
            shapes = f"found {tuple(found[name].shape)}, wanted {tuple(value.shape)}"
            raise ModelError(f"{path}: weight {name}: {shapes}: the file is of another model")
    return found
