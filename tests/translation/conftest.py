from tests.decoding.conftest import bundle, folder

__all__ = ["bundle", "folder"]
