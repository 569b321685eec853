"""Work in a process of its own: what it takes is known, and ends with it."""

import multiprocessing
import pickle
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from nmtk.devices import is_out_of_memory
from nmtk.errors import TrainingError
from nmtk.processes import serve_parent

T = TypeVar("T")


class TooLarge(TrainingError):
    """Work for which there was not memory enough, as far as can be told of a process that died of it."""


def apart(work: Callable[..., T], *given: Any) -> T:
    """What a function answers in a new interpreter; its errors are raised here.

    The interpreter is spawned, so a script that calls this must do so under `if __name__ == "__main__"`. Raises
    TooLarge when memory is used up, or the process dies.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, work, given), daemon=True)
    process.start()
    theirs.close()
    try:
        answer: T | Exception = ours.recv()
    except EOFError:
        process.join()
        raise TooLarge(
            f"the process at work died, out of memory perhaps: found exit code {process.exitcode}, wanted a smaller "
            f"model or smaller batches"
        ) from None
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
        to.send(_sendable(error))


def _sendable(error: Exception) -> Exception:
    """The error as it is raised again: many a class of errors cannot be pickled, or not be made again from it."""
    if is_out_of_memory(error):
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return TooLarge(f"out of memory: {reason}: wanted a smaller model or smaller batches")
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (our own)
    except Exception:  # noqa: BLE001 (whatever its class does)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
