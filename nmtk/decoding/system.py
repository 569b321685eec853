"""The Python interface: a model that is loaded once, then translates and scores text."""

from collections.abc import Sequence
from pathlib import Path
from typing import overload

from nmtk.bundle import Bundle
from nmtk.decoding.ensemble import load_ensemble
from nmtk.decoding.loaded import Loaded
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.scoring import Score, Scorer
from nmtk.decoding.sentences import Request
from nmtk.decoding.strategies import Strategy
from nmtk.decoding.translator import Translation, Translator
from nmtk.devices import pick_device, pick_precision


class System:
    """A trained model, ready to use. Text in, text out; a list in, a list out."""

    def __init__(self, bundle: Loaded, options: DecodingOptions | None = None):
        self.bundle = bundle
        self.options = options or DecodingOptions.parse(bundle.decoding, "the model's decoding options")

    @overload
    def translate(self, text: str, strategy: Strategy | None = None) -> str: ...

    @overload
    def translate(self, text: list[str], strategy: Strategy | None = None) -> list[str]: ...

    def translate(self, text: str | list[str], strategy: Strategy | None = None) -> str | list[str]:
        """Translate one line or several. The strategy is the model's own, unless one is given: `Beam(width=8)`."""
        options = self.options.model_copy(update={"strategy": strategy}) if strategy else self.options
        lines = Translator(self.bundle, options).translate_all([text] if isinstance(text, str) else text)
        return lines[0] if isinstance(text, str) else lines

    def alternatives(self, text: str, prefix: str = "", count: int = 5) -> list[Translation]:
        """What else could come after the beginning of a translation: the `count` most probable next pieces.

        Each is completed to a whole translation with its scores; the best first. Raises DataError for a text that is
        too long for one sentence.
        """
        return Translator(self.bundle, self.options).alternatives(Request(text, prefix), count)

    @overload
    def score(self, source: str, target: str) -> Score: ...

    @overload
    def score(self, source: list[str], target: list[str]) -> list[Score]: ...

    def score(self, source: str | list[str], target: str | list[str]) -> Score | list[Score]:
        """How probable the model finds a target for a source, or each of several: natural logarithms.

        Raises DataError when there are not as many targets as sources.
        """
        single = isinstance(source, str) and isinstance(target, str)
        sources, targets = ([side] if isinstance(side, str) else side for side in (source, target))
        scores = list(Scorer(self.bundle).score(sources, targets))
        return scores[0] if single else scores


def load(
    path: str | Path | Sequence[str | Path],
    device: str = "auto",
    precision: str = "auto",
    weights: Sequence[float] | None = None,
) -> System:
    """Load a model folder, or the final model of a run; several of them are one ensemble, with these weights or equal.

    Raises ModelError when there is none or it is damaged, or when an ensemble's vocabularies differ; OptionsError for
    a device that is not on this machine, and for weights that do not fit.
    """
    place = pick_device(device)
    kind = pick_precision(precision, place, exact=True)
    if isinstance(path, str | Path) and weights is None:
        return System(Bundle.load(Path(path), place, kind))
    paths = [path] if isinstance(path, str | Path) else path
    return System(load_ensemble([Path(one) for one in paths], weights, place, kind))
