"""What the tests of `nmtk translate` translate, and what should come of it."""

from typing import Any

from nmtk.bundle import Bundle
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.translator import Translator
from tests.decoding.copying import sentences

LINES = [*sentences(6, 1001), "", *sentences(3, 1002)]
TEXT = "".join(line + "\n" for line in LINES)
ON_CPU = ("--device", "cpu", "--precision", "float32")


def answers(bundle: Bundle, lines: list[Any] = LINES, **options: Any) -> str:
    return "".join(f"{line}\n" for line in Translator(bundle, DecodingOptions(**options)).translate_all(lines))
