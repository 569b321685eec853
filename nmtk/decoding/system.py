"""The Python interface: a model that is loaded once, then translates and scores text."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias, overload

from nmtk.decoding.ensemble import load_models
from nmtk.decoding.loaded import Loaded
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.scoring import Score, Scorer
from nmtk.decoding.sentences import Request
from nmtk.decoding.strategies import Strategy
from nmtk.decoding.translator import Translation, Translator
from nmtk.devices import pick_device, pick_precision
from nmtk.errors import OptionsError

Lines: TypeAlias = list[str] | list[Request] | list[str | Request]


class System:
    """A trained model, ready to use. Text in, text out; a list in, a list out."""

    def __init__(self, bundle: Loaded, options: DecodingOptions | None = None):
        self.bundle = bundle
        self.options = options or DecodingOptions.parse(bundle.decoding, "the model's decoding options")

    @overload
    def translate(
        self,
        text: str | Request,
        strategy: Strategy | None = None,
        *,
        prefix: str = "",
        required: str | Sequence[str] = (),
        forbidden: str | Sequence[str] = (),
    ) -> str: ...

    @overload
    def translate(
        self,
        text: Lines,
        strategy: Strategy | None = None,
        *,
        prefix: str = "",
        required: str | Sequence[str] = (),
        forbidden: str | Sequence[str] = (),
    ) -> list[str]: ...

    def translate(
        self,
        text: str | Request | Lines,
        strategy: Strategy | None = None,
        *,
        prefix: str = "",
        required: str | Sequence[str] = (),
        forbidden: str | Sequence[str] = (),
    ) -> str | list[str]:
        """Translate one line or several. The strategy is the model's own, unless one is given: `Beam(width=8)`.

        A translation begins with `prefix`, holds each `required` phrase and none that is `forbidden`. These hold for
        each line that is given as text; a line that has its own is a `Request`.

        Raises DataError for a phrase that no translation can hold, and for required phrases without a beam;
        OptionsError for a Request with such phrases beside it.
        """
        phrases = prefix, _phrases(required), _phrases(forbidden)
        single = isinstance(text, str | Request)
        given: Sequence[str | Request] = [text] if isinstance(text, str | Request) else text
        if any(phrases) and any(isinstance(line, Request) for line in given):
            raise OptionsError(
                "a Request says itself what it asks for: wanted no prefix, required or forbidden beside it"
            )
        requests = [line if isinstance(line, Request) else Request(line, *phrases) for line in given]
        options = self.options.model_copy(update={"strategy": strategy}) if strategy else self.options
        lines = Translator(self.bundle, options).translate_all(requests)
        return lines[0] if single else lines

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


def _phrases(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


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
    paths = [path] if isinstance(path, str | Path) else path
    return System(load_models([Path(one) for one in paths], weights, place, kind))
