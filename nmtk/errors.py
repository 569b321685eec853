"""The few kinds of error that a user can meet. Each is one line; the command line prints it and exits with 1.

A warning is a line on standard error, and the work goes on.
"""

import sys


class NmtkError(Exception):
    """What the user can mend. The message names the file, line or key, what was found and what was wanted."""


class OptionsError(NmtkError):
    """A recipe, an options file or a `key=value` that does not say what it should."""


class DataError(NmtkError):
    """Text, a vocabulary or a packed corpus that cannot be used as it is."""


class ModelError(NmtkError):
    """A model folder or a checkpoint that is missing, cut short, or of another format."""


class TrainingError(NmtkError):
    """Training that cannot start or go on: diverged, interrupted by the machine, or changed under way."""


def warn(message: str) -> None:
    """Tell of what the user may not have meant."""
    sys.stderr.write(f"nmtk: warning: {message}\n")
