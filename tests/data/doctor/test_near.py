"""Nearness is the share of a text's runs that another has, told by comparing all with all."""

import random

from nmtk.data.doctor.near import ALIKE, HELD, LONGER, RUN, SHORTEST, Near

LETTERS = "abcdefghijklmnopqrstuvwxyzäß漢字😀"


def runs(text: str) -> set[str]:
    return {text[at : at + RUN] for at in range(max(1, len(text) - RUN + 1))}


def edited(text: str, edits: int, rng: random.Random) -> str:
    letters = list(text)
    for _ in range(edits):
        letters[rng.randrange(len(letters))] = rng.choice(LETTERS)
    return "".join(letters)


def test_what_is_near_is_found_and_nothing_else() -> None:
    rng = random.Random(3)
    known = ["".join(rng.choices(LETTERS, k=rng.randint(1, 120))) for _ in range(60)]
    texts = [edited(rng.choice(known), rng.randint(0, 4), rng) for _ in range(500)]
    found = {index: (nearest, equal) for index, nearest, equal in Near(known).find(texts)}
    wanted, missed = 0, 0
    known_runs = {other: runs(other) for other in known}
    for index, text in enumerate(texts):
        own = runs(text)
        alike = {other: len(own & theirs) / len(theirs) for other, theirs in known_runs.items()}
        near = {
            other
            for other, share in alike.items()
            if share >= (HELD if len(text) > LONGER * len(other) else ALIKE) and min(len(other), len(text)) >= SHORTEST
        }
        near |= {text} & {*known}
        if text in known:
            assert found[index] == (known.index(text), True), "what is equal is always found"
        elif index in found:
            assert known[found[index][0]] in near
            assert not found[index][1]
        wanted, missed = wanted + bool(near), missed + (bool(near) and index not in found)
        assert near or index not in found
    assert wanted > 150
    assert missed <= wanted * 0.03  # few of a short text's runs are in the index


def test_portions_do_not_matter() -> None:
    rng = random.Random(1)
    known = ["".join(rng.choices("abc", k=rng.randint(0, 40))) for _ in range(50)]
    texts = [edited(text, 1, rng) if text and rng.random() < 0.5 else text for text in known * 3]
    near = Near(known)
    assert list(near.find(texts)) == [
        (index, nearest, equal) for index, text in enumerate(texts) for _, nearest, equal in near.find([text])
    ]


def test_nothing_is_near_nothing() -> None:
    assert list(Near([]).find(["a"])) == []
    assert list(Near(["a"]).find([])) == []
    assert list(Near(["", "a"]).find(["", "b"])) == []


def test_a_text_that_holds_another_is_near_it() -> None:
    rng = random.Random(2)
    known = ["".join(rng.choices(LETTERS, k=rng.randint(SHORTEST, 60))) for _ in range(50)]
    longer = ["".join(rng.choices(LETTERS, k=60)) + text + "".join(rng.choices(LETTERS, k=60)) for text in known]
    found = {index: (nearest, equal) for index, nearest, equal in Near(known).find(longer)}
    assert sum(found.get(index) == (index, False) for index in range(50)) >= 48
    assert list(Near(longer).find(known)) == [], "a part of a text is not the text"
