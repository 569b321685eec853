import math

import pytest
import torch

import nmtk.decoding.translator
from nmtk.bundle import Bundle
from nmtk.decoding.alternatives import Alternatives
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.penalties import Average, Gnmt
from nmtk.decoding.rules import Rule
from nmtk.decoding.system import System
from nmtk.errors import DataError, OptionsError
from tests.decoding.copying import sentences
from tests.decoding.kit import EOS, WORDS, Begun, TableModel, by_hand, run, same

LINES = sentences(6, 1001)


@pytest.fixture
def system(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> System:
    def begun(options: object, batch: list[nmtk.decoding.sentences.Sentence], *_: object) -> list[Rule]:
        return [Begun([one.prefix for one in batch])]

    monkeypatch.setattr("nmtk.decoding.translator.make_rules", begun)
    return System(bundle)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("width", [1, 2, 4])
def test_the_best_tokens_after_the_prefix_each_go_on_greedily(seed: int, width: int) -> None:
    model, limit = TableModel(seed), 9
    sources = [0, 1, 2, 3]
    prefixes: list[list[int]] = [[], [2], [4, 3, 3], [3, 2]]
    strategy = Alternatives(width, torch.tensor([len(prefix) + 1 for prefix in prefixes]), Average())
    found = run(model, strategy, sources, [limit] * 4, width, rules=[Begun(prefixes)])
    for source, prefix, hypotheses in zip(sources, prefixes, found, strict=True):
        after = model.next(source, prefix)
        wanted = []
        for token in sorted((EOS, *WORDS), key=lambda token: -after[token])[:width]:
            ids = [*prefix, token]
            while ids[-1] != EOS and len(ids) < limit - 1:
                logps = model.next(source, ids)
                ids.append(max((EOS, *WORDS), key=lambda token: logps[token]))
            wanted.append(by_hand(model, source, [one for one in ids if one != EOS], strategy))
        assert same(hypotheses, sorted(wanted, key=lambda one: -one.score))


def test_there_are_no_more_than_can_follow() -> None:
    """Four tokens may follow, so six rows have nothing to say."""
    model = TableModel(0, size=10)
    model.logits[..., 5:] = -torch.inf
    strategy = Alternatives(10, torch.tensor([2]), Gnmt())
    [found] = run(model, strategy, [1], [6], 10, rules=[Begun([[3]])])
    assert len(found) == 4
    assert len({(one.ids[1:] or [EOS])[0] for one in found}) == 4


def test_alternatives_begin_with_the_prefix_and_differ_right_after_it(system: System) -> None:
    target = system.bundle.vocabularies.target
    for line in LINES:
        translation = system.translate(line)
        prefix = " ".join(translation.split()[:2])
        ids = target.encode([prefix])[0]
        found = system.alternatives(line, prefix, 4)
        assert len(found) == 4
        assert all(one.ids[: len(ids)] == ids for one in found)
        assert len({tuple(one.ids[len(ids) : len(ids) + 1]) for one in found}) == 4
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        assert all(one.logp == pytest.approx(math.fsum(one.token_logps), abs=1e-4) for one in found)


def test_without_a_prefix_it_is_the_first_piece_that_differs(system: System) -> None:
    found = system.alternatives(LINES[0])
    assert len({tuple(one.ids[:1]) for one in found}) == 5
    greedy = system.translate(LINES[0], nmtk.Greedy())
    assert greedy in [one.text for one in found]


def test_nothing_can_be_said_otherwise_about_nothing(system: System) -> None:
    assert [one.text for one in system.alternatives(" ", "", 3)] == [""]


def test_what_cannot_be_answered_is_refused(system: System) -> None:
    with pytest.raises(OptionsError, match=r"^count: found 0, wanted 1 or more alternatives$"):
        system.alternatives(LINES[0], count=0)
    short = System(system.bundle, DecodingOptions(longest_input=3))
    with pytest.raises(DataError, match=r"^a line of \d+ pieces: for alternatives, wanted 3 at most$"):
        short.alternatives(LINES[0])
