"""The model of the decoding tests, and its folder: the command line translates with it too."""

from tests.decoding.conftest import bundle, folder

__all__ = ["bundle", "folder"]
