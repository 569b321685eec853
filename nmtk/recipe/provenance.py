"""Provenance: what a translation was made by. Where it is the same, so is the translation, to the last byte."""

from pathlib import Path

from nmtk import __version__
from nmtk.bundle import OPTIONS, WEIGHTS, read_options
from nmtk.decoding.options import DecodingOptions
from nmtk.documents import Document, read_yaml
from nmtk.files import sha256


def own_decoding(model: Path) -> DecodingOptions:
    """How a model folder's model translates unless it is told otherwise."""
    return DecodingOptions.parse(read_options(model).decoding, str(model / OPTIONS))


def provenance(model: Path, options: DecodingOptions) -> Document:
    """All that decides how a model folder's model translates a text."""
    return {
        "format": 1,
        "nmtk": __version__,
        "weights": sha256(model / WEIGHTS),
        "model": read_yaml(model / OPTIONS)["model"],
        "decoding": options.document(),
    }
