"""A uniform sample of a stream of unknown length, in bounded memory (Vitter 1985, algorithm R)."""

import random
from typing import Generic, TypeVar

T = TypeVar("T")


class Reservoir(Generic[T]):
    """Keeps `size` of the items added, each with the same probability; all of them, in order, while they fit."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.seen = 0
        self.items: list[T] = []
        self._random = random.Random(seed).random  # noqa: S311 (the one method whose sequence Python promises to keep)

    def add(self, item: T) -> None:
        self.seen += 1
        if len(self.items) < self.size:
            self.items.append(item)
        elif (place := int(self._random() * self.seen)) < self.size:
            self.items[place] = item
