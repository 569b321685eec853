"""The contract of a recipe: which scores it promises, and on what evidence."""

from typing import Annotated, Literal, Self, TypeAlias, TypeVar

from pydantic import AfterValidator, Field, PositiveFloat, model_validator

from nmtk.evaluation.names import MetricName
from nmtk.options import Options, in_form, nearest

EXACT = "exact"
"""The share of translations that equal their reference, in percent: no metric of papers, but plain to see."""

Value = TypeVar("Value")


def _by_metric(found: dict[str, Value]) -> dict[str, Value]:
    known = [*MetricName, EXACT]
    if strange := next((name for name in found if name not in known), None):
        raise ValueError(f"found {strange}, wanted one of {', '.join(known)}{nearest(strange, known)}")
    return found


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"found {bounds[0]:g} to {bounds[1]:g}, wanted the lowest score first, then the highest")
    return bounds


Range: TypeAlias = Annotated[tuple[float, float], AfterValidator(_rising)]
"""Lowest and highest score, both included."""

Expectation: TypeAlias = Annotated[dict[str, Range], AfterValidator(_by_metric)]
"""What a test set's scores must be, by the name of the metric, each as nmtk computes it by default."""

Signature: TypeAlias = Annotated[
    str, in_form(r"[^\s:|]+:[^|]*(\|[^\s:|]+:[^|]*)*", "key:value pairs joined by |, as nrefs:1|case:mixed")
]
"""`key:value` pairs joined by `|`."""

_NEEDED = {"measured": ("hardware", "hours"), "paper": ("source",), "unmeasured": ()}


class Evidence(Options):
    """Recipe key `evidence`: what the expected scores rest on."""

    kind: Literal["measured", "paper", "unmeasured"] = "unmeasured"
    """measured: with nmtk. paper: published, and not yet reached with nmtk. unmeasured: nothing is known."""
    source: str | None = None
    """Of a paper: author, year, table."""
    hardware: str | None = None
    """Processors and precision of the run, or what it is meant for."""
    hours: PositiveFloat | None = None
    """Of the whole job, data at hand."""
    signatures: Annotated[dict[str, Signature], AfterValidator(_by_metric)] = Field(default_factory=dict)
    """By metric: figures of other signatures cannot be compared (Post 2018)."""

    @model_validator(mode="after")
    def _told(self) -> Self:
        needed = _NEEDED[self.kind]
        if missing := [key for key in needed if getattr(self, key) is None]:
            raise ValueError(
                f"kind {self.kind} without {' and '.join(missing)}: wanted {' and '.join(needed)} beside it"
            )
        return self


def comparable(one: str, other: str) -> bool:
    """Whether scores of these two signatures can be compared: they may differ in the version that made them alone."""
    return _but_version(one) == _but_version(other)


def _but_version(signature: str) -> list[str]:
    return [pair for pair in signature.split("|") if not pair.startswith("version:")]
