"""Work in a process of its own: what it takes is known, and ends with it."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from nmtk.processes import serve_parent

T = TypeVar("T")


def apart(work: Callable[..., T], *given: Any) -> T:
    """What a function answers in a new interpreter; its errors are raised here.

    The interpreter is spawned, so a script that calls this must do so under `if __name__ == "__main__"`. Raises
    EOFError when the process dies, as one does that takes more memory than there is.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, work, given), daemon=True)
    process.start()
    theirs.close()
    try:
        answer: T | Exception = ours.recv()
    finally:
        process.terminate()
        process.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _answer(to: Connection, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
    serve_parent()
    try:
        to.send(work(*given))
    except Exception as error:  # noqa: BLE001 (raised again by who asked)
        to.send(error)
