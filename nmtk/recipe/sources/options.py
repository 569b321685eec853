"""Recipe key `data.files`: where each file comes from. A new source joins the union."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field

from nmtk.options import nearest
from nmtk.recipe.sources.archive import Member
from nmtk.recipe.sources.at_hand import AtHand
from nmtk.recipe.sources.download import Download
from nmtk.recipe.sources.join import Join
from nmtk.recipe.sources.mtdata_corpus import MtdataCorpus
from nmtk.recipe.sources.sacrebleu_set import SacrebleuSet
from nmtk.recipe.sources.source import Source, plain_path

_SOURCES = ("url", "archive", "sacrebleu", "mtdata", "join")
"""The keys that each make a file one of a certain source; that source's kind has the same name."""


def _by_key(value: Any) -> Any:
    if not isinstance(value, dict) or "kind" in value:
        return value
    if value.get("url") == []:  # so runs note a file at hand that were made when there was no kind
        value = {key: inner for key, inner in value.items() if key != "url"}
    wanted = f"{', '.join(_SOURCES[:-1])} or {_SOURCES[-1]}"
    named = [key for key in _SOURCES if key in value]
    if len(named) > 1:
        raise ValueError(f"found {' and '.join(named)}, wanted one of {wanted}")
    if not named and (strange := sorted(value.keys() - {"sha256"})):
        raise ValueError(f"found {strange[0]}, wanted {wanted}{nearest(strange[0], _SOURCES)}")
    return {"kind": named[0] if named else "at-hand"} | value


FileOptions: TypeAlias = Annotated[
    AtHand | Download | Member | SacrebleuSet | MtdataCorpus | Join,
    Field(discriminator="kind"),
    BeforeValidator(_by_key),
]
"""What is known of a file. Its source is told by its key: `{url: ..., sha256: ...}` is a download."""


def check_files(files: Mapping[str, Source]) -> None:
    """Raise ValueError for an archive without an entry, a file made of itself, and a name that cannot be cached by."""
    for name, source in files.items():
        if isinstance(source, Download) and not plain_path(name):
            raise ValueError(f"files: {name} has a url, so wanted a relative path without .., to cache it by")
        if isinstance(source, Member) and source.archive not in files:
            close = nearest(source.archive, [other for other in files if other != name])
            raise ValueError(f"files: {name} is of archive {source.archive}, which is not among the files{close}")
        _check_circle(files, (name,))


def _check_circle(files: Mapping[str, Source], way: tuple[str, ...]) -> None:
    for part in files[way[-1]].needs() if way[-1] in files else ():
        if part == way[0]:
            raise ValueError(f"files: {part} is made of itself: {' of '.join((*way, part))}")
        if part not in way:  # another circle, which is told when it is come to
            _check_circle(files, (*way, part))
