"""nmtk trains, runs and measures Transformer translation models.

    import nmtk

    model = nmtk.load("runs/multi30k-en-de")
    model.translate("A dog runs.")
    model.translate(["A dog runs.", "It rains."], nmtk.Beam(width=8))

Nothing heavy is imported before a name is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nmtk.decoding.sentences import Request
    from nmtk.decoding.strategies import Beam, DiverseBeam, Greedy, Mbr, Sampling
    from nmtk.decoding.system import load

    __version__: str

__all__ = ["Beam", "DiverseBeam", "Greedy", "Mbr", "Request", "Sampling", "__version__", "load"]

_HOMES = {
    **dict.fromkeys(("Beam", "DiverseBeam", "Greedy", "Mbr", "Sampling"), "nmtk.decoding.strategies"),
    "Request": "nmtk.decoding.sentences",
    "load": "nmtk.decoding.system",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("nmtk")
    if name not in _HOMES:
        raise AttributeError(f"module 'nmtk' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
