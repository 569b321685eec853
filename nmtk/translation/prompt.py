"""The prompt: lines translated as they are typed at a terminal, and commands that change or explain how."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.sentences import Request
from nmtk.decoding.translator import Translation, Translator
from nmtk.errors import NmtkError, OptionsError
from nmtk.options import nearest
from nmtk.translation.wishes import Wishes

Attend: TypeAlias = Callable[[Sequence[int], Sequence[int]], Sequence[int]]
"""Source pieces and target pieces to the place of the source piece that each target piece attends to most."""

_KEPT = 1000  # lines of history


class Prompt:
    """A conversation: `read` gives the next line, None at the end; `write` takes what is said, line by line."""

    def __init__(
        self,
        translator: Translator,
        read: Callable[[], str | None],
        write: Callable[[str], None],
        attend: Attend | None = None,
        always: Request = Request(""),  # noqa: B008 (a tuple)
    ) -> None:
        self.translator, self.read, self.write, self.attend, self.always = translator, read, write, attend, always
        self.best = 1
        self.count = 0
        """How many lines were translated: each draws its own random numbers."""
        self.last: Translation | None = None
        self.done = False

    def run(self) -> None:
        """Answer line by line, until there are no more. What the user can mend is told, and it goes on."""
        while not self.done and (line := self.read()) is not None:
            try:
                if line.startswith(":"):
                    self._obey(line[1:])
                else:
                    self._translate(line)
            except NmtkError as error:
                self.write(f"error: {error}")
            except KeyboardInterrupt:
                self.write("stopped")

    def _translate(self, line: str) -> None:
        [found] = self.translator.candidates([Request(line).beside(self.always)], 1, self.best, self.count)
        self.count += 1
        self.last = found[0]
        if self.best == 1:
            self.write(found[0].text)
        else:
            for rank, one in enumerate(found, 1):
                self.write(f"{rank:>3} {one.score:>9.4f}  {one.text}")

    def _obey(self, words: str) -> None:
        name, *arguments = words.split() or [""]
        command = COMMANDS.get(name)
        if command is None:
            known = nearest(name, list(COMMANDS)) or f"; wanted one of {', '.join(COMMANDS)}"
            raise OptionsError(f":{name}: no such command{known}")
        if not command.counts and arguments:
            raise OptionsError(f":{name}: found {arguments[0]}, wanted :{name} alone")
        if command.counts and not (len(arguments) == 1 and arguments[0].isdecimal() and int(arguments[0])):
            raise OptionsError(f":{name}: found {' '.join(arguments) or 'no number'}, wanted a number, as :{name} 4")
        command.run(self, int(arguments[0]) if command.counts else 0)

    def search(self, wishes: Wishes, best: int = 1) -> None:
        """Translate in another way from now on."""
        document = wishes.over(self.translator.options.document())
        self.translator = Translator(self.translator.bundle, DecodingOptions.parse(document, "the search"))
        self.best = best

    def search_wide(self, best: int) -> None:
        """Show the best translations from now on, of a beam if the search keeps fewer."""
        if best > self.translator.options.strategy.width:
            self.search(Wishes(beam_size=best))
        self.best = best

    def explain(self) -> None:
        """Show what the last line and its translation consist of, and how sure the model was of each token."""
        if self.last is None:
            raise OptionsError(":explain: nothing was translated yet")
        source, target = self.translator.bundle.vocabularies
        logps = iter(self.last.token_logps)
        for ids, said in self.last.pairs:
            pieces, tokens = source.pieces(ids), target.pieces([*said, target.eos])
            places = self.attend(ids, said) if self.attend else []
            seen = [*(pieces[place] for place in places), *[""] * (len(tokens) - len(places))]
            width = max(map(len, tokens))
            self.write(f"source: {' '.join(pieces)}")
            for token, one in zip(tokens, seen, strict=True):
                self.write(f"  {token:<{width}} {math.exp(next(logps)):>7.1%}  {one}".rstrip())
        self.write(f"log-probability {self.last.logp:.4f}, score {self.last.score:.4f}")

    def help(self) -> None:
        """Show the commands."""
        for name, command in COMMANDS.items():
            self.write(f":{name + ' N' * command.counts:<9} {command.help}")
        self.write("All else is translated; so is a line that begins with a space and a colon.")

    def quit(self) -> None:
        """End the conversation."""
        self.done = True


class Command(NamedTuple):
    """What a line that begins with a colon asks for."""

    help: str
    run: Callable[[Prompt, int], None]
    counts: bool = False
    """Whether a number follows."""


COMMANDS = {
    "beam": Command("search with a beam of width N", lambda p, n: p.search(Wishes("beam", beam_size=n)), counts=True),
    "greedy": Command("take the most probable token at each step", lambda p, _: p.search(Wishes("greedy"))),
    "nbest": Command("show the N best with their scores", Prompt.search_wide, counts=True),
    "sample": Command("draw N at random", lambda p, n: p.search(Wishes("sampling", samples=n), n), counts=True),
    "explain": Command("show the pieces of the last line, and how probable each was", lambda p, _: p.explain()),
    "help": Command("show this", lambda p, _: p.help()),
    "quit": Command("end, as Ctrl-D does", lambda p, _: p.quit()),
}


def refuse(**asked: object) -> None:
    """Raise OptionsError for the first flag that was given, by its name, and has no place at a prompt."""
    for flag in (name.replace("_", "-") for name, value in asked.items() if value):
        raise OptionsError(f"--{flag}: the prompt has no such thing: wanted -i, a pipe, or no --{flag}")


def converse(translator: Translator, attend: Attend | None, always: Request) -> None:
    """Hold the conversation at the terminal that this process has, with the history of those before."""
    with _history():
        Prompt(translator, _typed, _shown, attend, always).run()


def _typed() -> str | None:
    while True:
        try:
            return input("> ")
        except EOFError:
            _shown("")
            return None
        except KeyboardInterrupt:  # as in a shell, what was typed so far is dropped
            _shown("")


def _shown(line: str) -> None:
    print(line, flush=True)  # noqa: T201


@contextmanager
def _history() -> Iterator[None]:
    """Lines can be edited, and those of earlier conversations called back, where the system can do that."""
    try:
        import readline
    except ImportError:
        yield
        return
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    path = Path(state) / "nmtk" / "history"
    readline.set_history_length(_KEPT)
    with suppress(OSError):
        readline.read_history_file(path)
    try:
        yield
    finally:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(path)
