"""Archives: files that lie in a tar or zip file, which is itself one of the recipe's files."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, StringConstraints

from nmtk.recipe.sources.markup import Markup, write_unmarked
from nmtk.recipe.sources.source import Brought, Finder, Found, Source, plain_path
from nmtk.recipe.sources.unpack import unpack


def _inside(member: str) -> str:
    if not plain_path(member):
        raise ValueError(f"found {member}, wanted a path inside the archive, without ..")
    return str(PurePosixPath(member))


MemberPath: TypeAlias = Annotated[str, StringConstraints(min_length=1), AfterValidator(_inside)]


class Member(Source):
    """A file of an archive. The archive's hash vouches for it."""

    kind: Literal["archive"] = "archive"
    archive: str
    """The archive, by its name among the recipe's files."""
    member: MemberPath
    """The file's path in it."""
    markup: Markup | None = None
    """What the text is to be taken out of; `sha256` is then that of the text."""

    def needs(self) -> tuple[str, ...]:
        return (self.archive,)

    def bring(self, name: str, finder: Finder) -> Brought:
        """Find it unpacked beside the cached archive, by that one's hash, or unpack all that the recipe asks of it."""
        archive = finder.find(self.archive)
        home = _home(finder.cache, archive)
        raw = home / "raw"
        if not (raw / self.member).is_file():
            others = (file for file in finder.files.values() if isinstance(file, Member))
            asked = {file.member for file in others if file.archive == self.archive}
            left = {member: raw / member for member in sorted(asked) if not (raw / member).is_file()}
            told = f"unpacking {', '.join(left)} of {self.archive}"
            finder.console.print(told, soft_wrap=True, markup=False, highlight=False)
            unpack(archive.path, left)
        origin = f"{self.member} of {self.archive}"
        if self.markup is None:
            return Brought(raw / self.member, origin)
        text = home / self.markup / f"{self.member}.txt"
        if not text.is_file():
            write_unmarked(raw / self.member, text, self.markup)
        return Brought(text, f"the text in {origin}")


def _home(cache: Path, archive: Found) -> Path:
    """Where the files of an archive are kept: apart from those of others of the same name."""
    beside = archive.name if plain_path(archive.name) else PurePosixPath(archive.name).name
    return cache / f"{beside}.members" / archive.sha256[:16]
