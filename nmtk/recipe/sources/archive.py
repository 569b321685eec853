"""Archives: files that lie in a tar or zip file, which is itself one of the recipe's files."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, StringConstraints

from nmtk.files import sha256, write_text
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
        """Find it unpacked beside the cached archive, by that one's hash, or unpack all that the recipe asks of it.

        What was unpacked is taken only as it was: its hash was noted then. If it has changed, it is unpacked again.
        """
        archive = finder.find(self.archive)
        home = _home(finder.cache, archive)
        raw, origin = home / "raw", f"{self.member} of {self.archive}"
        text = home / self.markup / f"{self.member}.txt" if self.markup else None
        if text and _unchanged(home, text):
            return Brought(text, f"the text in {origin}")
        if not _unchanged(home, raw / self.member):
            others = (file for file in finder.files.values() if isinstance(file, Member))
            asked = {file.member for file in others if file.archive == self.archive}
            left = {member: raw / member for member in sorted(asked) if not _unchanged(home, raw / member)}
            told = f"unpacking {', '.join(left)} of {self.archive}"
            finder.console.print(told, soft_wrap=True, markup=False, highlight=False)
            unpack(archive.path, left)
            for path in left.values():
                _note(home, path)
        if not text or not self.markup:
            return Brought(raw / self.member, origin)
        write_unmarked(raw / self.member, text, self.markup)
        _note(home, text)
        return Brought(text, f"the text in {origin}")


def _home(cache: Path, archive: Found) -> Path:
    """Where the files of an archive are kept: apart from those of others of the same name."""
    beside = archive.name if plain_path(archive.name) else PurePosixPath(archive.name).name
    return cache / f"{beside}.members" / archive.sha256[:16]


def _note_of(home: Path, path: Path) -> Path:
    """Where the hash of an unpacked file is noted."""
    kept = path.relative_to(home)
    return home / "sha256" / kept.with_name(f"{kept.name}.sha256")


def _note(home: Path, path: Path) -> None:
    write_text(_note_of(home, path), sha256(path) + "\n")


def _unchanged(home: Path, path: Path) -> bool:
    """Whether a file is there as it was unpacked."""
    note = _note_of(home, path)
    return path.is_file() and note.is_file() and note.read_bytes().strip() == sha256(path).encode()
