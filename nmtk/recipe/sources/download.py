"""Downloads: files from the network, by their addresses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator
from rich.console import Console

from nmtk.errors import DataError
from nmtk.files import download
from nmtk.options import in_form
from nmtk.recipe.sources.source import AS_TUPLE, Brought, Finder, Source


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Url: TypeAlias = Annotated[str, in_form(r"(https?|ftp|file)://\S+", "an address, as https://host/file, without spaces")]


class Download(Source):
    """A file that is fetched into the cache, under its name. What the network brings is never taken on trust."""

    kind: Literal["url"] = "url"
    url: Annotated[tuple[Url, ...], AS_TUPLE, BeforeValidator(_several), Field(min_length=1)]
    """One address, or several mirrors that are tried in their order."""

    @model_validator(mode="after")
    def _hashed(self) -> Self:
        if not self.sha256:
            raise ValueError("url without sha256; wanted the hash too, since a fetched file is always checked")
        return self

    def bring(self, name: str, finder: Finder) -> Brought:
        path, reasons = finder.cache / name, []
        for url in self.url:
            try:
                with _progress(name, url, finder.console) as tell:
                    download(url, path, self.sha256 or "", tell)
                return Brought(path, url)
            except DataError as error:
                reasons.append(str(error))
            except OSError as error:
                raise DataError(f"{path}: cannot be written: {error.strerror or error}") from None
        raise DataError(f"{name}: {'; '.join(reasons)}: try again, or {finder.mend(name)}")


@contextmanager
def _progress(name: str, url: str, console: Console) -> Iterator[Callable[[int, int | None], None]]:
    """Show a download: a bar on a terminal, else a line when it begins and one when it has ended well."""
    if not console.is_terminal:
        console.print(f"fetching {name} from {url}", soft_wrap=True, markup=False, highlight=False)
        done = 0

        def count(now: int, _total: int | None) -> None:
            nonlocal done
            done = now

        yield count
        console.print(f"fetched {name}: {done:,} bytes", soft_wrap=True, markup=False, highlight=False)
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    label = TextColumn("{task.description}", markup=False)
    columns = (label, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=None)
        yield lambda now, total: bar.update(task, completed=now, total=total)
