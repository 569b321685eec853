"""Each rule by its law, on models that know nothing of it, with every strategy; and against all sentences there are."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from nmtk.decoding.forbidden import Forbidden, Spelling
from nmtk.decoding.guard import ROW, SPAN, VARIETY, LoopGuard, VarietyGuard, copies_allowed, looped, variety_allowed
from nmtk.decoding.lengths import Shortest
from nmtk.decoding.living import Living
from nmtk.decoding.prefix import Prefix
from nmtk.decoding.repetition import NoRepeat, RepetitionPenalty
from nmtk.decoding.rules import Rule
from nmtk.decoding.search import search
from nmtk.decoding.sentences import Sentence
from nmtk.decoding.strategies import Beam, Greedy
from nmtk.errors import OptionsError
from tests.decoding.kit import EOS, SPECIALS, WORDS, TableModel, all_sentences, same

CPU = torch.device("cpu")
STRATEGIES = [Greedy(), Beam(width=3), Beam(width=4, stop="exact")]
SOURCES, LIMITS = [0, 1, 2, 3, 4, 5, 6, 7], [12, 3, 9, 7, 12, 1, 11, 12]

each_strategy = pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
each_seed = pytest.mark.parametrize("seed", range(3))


def ruled(
    model: TableModel,
    strategy: Any,
    sources: Sequence[int],
    limits: Sequence[int],
    rules: Sequence[Rule],
    best: int = 1,
) -> Any:
    return search(model, torch.tensor(sources)[:, None], None, limits, strategy, SPECIALS, best, rules)


def talker(seed: int) -> TableModel:
    """A model that is loath to end, so that all that a rule must stop comes up."""
    model = TableModel(seed, spread=1.0)
    model.logits[..., EOS] -= 6
    return model


def ngrams(ids: Sequence[int], size: int) -> list[tuple[int, ...]]:
    return [tuple(ids[at : at + size]) for at in range(len(ids) - size + 1)]


def holds(ids: Sequence[int], phrase: Sequence[int]) -> bool:
    return tuple(phrase) in ngrams(ids, len(phrase))


@each_strategy
@pytest.mark.parametrize("size", [1, 2, 3])
def test_no_ngram_stands_twice(strategy: Any, size: int) -> None:
    def repeats(found: Any) -> int:
        grams = [ngrams(one.ids, size) for hypotheses in found for one in hypotheses]
        return sum(len(set(each)) < len(each) for each in grams)

    plain, ruly = (
        [repeats(ruled(talker(seed), strategy, SOURCES, LIMITS, rules, strategy.width)) for seed in range(3)]
        for rules in ([], [NoRepeat(size)])
    )
    assert sum(plain) > 0
    assert sum(ruly) == 0


@each_seed
def test_a_beam_finds_the_best_of_all_sentences_that_keep_the_rules(seed: int) -> None:
    """Scores stay the model's own: what is forbidden gives its probability to nothing else."""
    model, limits = TableModel(seed), [2, 3, 4, 5]
    beam = Beam(width=3**5)
    spelled = Spelling([b"", b"", *(bytes([97 + word]) for word in WORDS)])
    banned = [bytes([97 + WORDS[0], 97 + WORDS[1]]), bytes([97 + WORDS[2]])]
    laws: list[tuple[Rule, Any]] = [
        (NoRepeat(2), lambda ids: len(set(ngrams(ids, 2))) == len(ngrams(ids, 2))),
        (Shortest([1, 2, 1, 3], EOS, CPU), None),
        (Forbidden([banned] * 4, spelled, CPU), lambda ids: WORDS[2] not in ids and not holds(ids, WORDS[:2])),
        (Prefix([Sentence([], prefix=WORDS[:1])] * 4, [], spelled, CPU), lambda ids: list(ids[:1]) == [WORDS[0]]),
    ]
    for rule, law in laws:
        found = ruled(model, beam, [0, 1, 2, 3], limits, [rule], 5)
        for source, (limit, hypotheses) in enumerate(zip(limits, found, strict=True)):
            least = [1, 2, 1, 3][source]
            keeps = law or (lambda ids, least=least: len(ids) >= least)
            wanted = [one for one in all_sentences(model, source, limit, beam) if keeps(one.ids)]
            assert same(hypotheses, wanted[:5])


@each_strategy
@each_seed
def test_no_translation_is_shorter_than_asked(strategy: Any, seed: int) -> None:
    least = [5, 2, 8, 0, 11, 0, 3, 1]
    model = TableModel(seed)
    model.logits[..., EOS] += 3
    found = ruled(model, strategy, SOURCES, LIMITS, [Shortest(least, EOS, CPU)], strategy.width)
    assert all(len(one.ids) >= short for short, many in zip(least, found, strict=True) for one in many)
    assert any(len(one.ids) == short for short, many in zip(least, found, strict=True) for one in many)


@each_strategy
@each_seed
def test_a_prefix_is_there_at_the_models_own_probabilities(strategy: Any, seed: int) -> None:
    """Whatever the other rules say of it."""
    prefixes = [(2, 2, 2, 3), (4,), (), (3, 3, 3, 3, 3, 3), (2, 3), (), (4, 4), ()]
    model = talker(seed)
    rules = [RepetitionPenalty(5.0), NoRepeat(2), Shortest([2] * 5 + [0, 2, 2], EOS, CPU)]
    for inner in ([], rules):
        rule = Prefix([Sentence([], prefix=one) for one in prefixes], inner, Spelling([]), CPU)
        found = ruled(model, strategy, SOURCES, LIMITS, [rule], strategy.width)
        for source, (prefix, hypotheses) in enumerate(zip(prefixes, found, strict=True)):
            for one in hypotheses:
                assert tuple(one.ids[: len(prefix)]) == prefix
                own = model.logps(source, one.ids)[: len(prefix) if inner else None]
                assert one.token_logps[: len(own)] == pytest.approx(own, abs=1e-5)


@each_seed
def test_what_is_begun_may_be_spelled_in_any_pieces_and_go_on_as_it_likes(seed: int) -> None:
    """Against all sentences whose text begins so."""
    model, beam, texts = TableModel(seed), Beam(width=3**5), [b"", b"", b"a", b"ab", b"b"]
    asked = [Sentence([], begun=b"ab"), Sentence([], prefix=(4,), begun=b"aab"), Sentence([]), Sentence([], begun=b"b")]
    found = ruled(model, beam, [0, 1, 2, 3], [5] * 4, [Prefix(asked, [], Spelling(texts), CPU)], 4)
    for source, (sentence, hypotheses) in enumerate(zip(asked, found, strict=True)):
        begins = b"".join(texts[token] for token in sentence.prefix) + sentence.begun
        wanted = [
            one
            for one in all_sentences(model, source, 5, beam)
            if b"".join(texts[token] for token in one.ids).startswith(begins)
        ]
        assert same(hypotheses, wanted[:4])


@each_strategy
def test_sentences_without_a_prefix_are_as_without_the_rule(strategy: Any) -> None:
    sentences = [Sentence([], prefix=(2, 3) if place == 2 else ()) for place in range(8)]
    rule = Prefix(sentences, [], Spelling([]), CPU)
    plain, found = (ruled(TableModel(1), strategy, SOURCES, LIMITS, rules) for rules in ([], [rule]))
    assert all(same(one, other) for place, (one, other) in enumerate(zip(plain, found, strict=True)) if place != 2)


class Penalised(TableModel):
    """A TableModel as the penalty makes it, for the slow search."""

    penalty = 1.7

    def next(self, source: int, history: Sequence[int]) -> list[float]:
        plain = super().next(source, history)
        return [logp * self.penalty if token in history else logp for token, logp in enumerate(plain)]


@each_seed
def test_the_penalty_makes_what_was_said_before_dearer(seed: int) -> None:
    beam, limits = Beam(width=3**5), [5, 4, 5]
    found = ruled(TableModel(seed), beam, [0, 1, 2], limits, [RepetitionPenalty(Penalised.penalty)], 5)
    for source, hypotheses in enumerate(found):
        assert same(hypotheses, all_sentences(Penalised(seed), source, limits[source], beam)[:5])


def spellings() -> Iterator[tuple[list[bytes], list[bytes]]]:
    """What five pieces spell, and phrases that can be cut in many ways."""
    yield [b"", b"", b"a", b"b", b"ab"], [b"ab"]
    yield [b"", b"", b" a", b"a", b"aa"], [b"aaa"]
    yield [b"", b"", b"aba", b"b", b"ab"], [b"babb", b"abaabab"]
    yield [b"", b"", b"\xc3", b"\xa4", b"\xb6"], ["ä".encode(), "öö".encode()]
    yield [b"", b"", b" a b", b"b ", b"a"], [b"a b a", b"ba"]
    yield [b"", b"", b"a", b"", b"b"], [b"ab"]


@each_strategy
@pytest.mark.parametrize("case", list(spellings()), ids=str)
def test_a_forbidden_phrase_is_never_spelled_however_it_is_cut(strategy: Any, case: Any) -> None:
    texts, phrases = case
    asked = [phrases, [], phrases[:1], phrases, phrases, [], phrases[-1:], phrases]
    seen = 0
    for seed in range(3):
        rule = Forbidden(asked, Spelling(texts), CPU)
        plain, found = (ruled(talker(seed), strategy, SOURCES, LIMITS, rules, strategy.width) for rules in ([], [rule]))
        for wanted, one, other in zip(asked, plain, found, strict=True):
            if not wanted:
                assert same(one, other)
            said = [[b"".join(texts[piece] for piece in each.ids) for each in some] for some in (one, other)]
            seen += any(phrase in text for phrase in wanted for text in said[0])
            assert not any(phrase in text for phrase in wanted for text in said[1])
    assert seen, "the models say what is forbidden, if they may"


def test_only_what_would_complete_a_phrase_is_forbidden() -> None:
    """The law the other way round: every sentence that does not spell the phrase is still possible."""
    for texts, phrases in spellings():
        model, beam = TableModel(0), Beam(width=3**4)
        [found] = ruled(model, beam, [0], [4], [Forbidden([phrases], Spelling(texts), CPU)], 30)
        every = [
            one
            for one in all_sentences(model, 0, 4, beam)
            if not any(phrase in b"".join(texts[piece] for piece in one.ids) for phrase in phrases)
        ]
        assert same(found, every[:30])


def test_pieces_that_spell_line_ends_count_as_the_spaces_they_become() -> None:
    assert Spelling([b"a\n", b"\0b"]).texts == [b"a ", b" b"]


def test_a_text_is_spelled_by_the_longest_pieces() -> None:
    spelling = Spelling([b"", b"ab", b"a", b"abc", b"c", b" ab"])
    assert spelling.spell(b"abcab") == (3, 1)
    assert spelling.spell(b"abx") is None


def completes_one_too_many(ids: Sequence[int], allowed: int) -> bool:
    """Whether the tokens end with one copy more than allowed, of any n-gram of up to 8."""
    runs = [(period, max(allowed * period, SPAN)) for period in range(1, 9)]
    return any(len(ids) >= run + period and ids[-run:] == ids[-run - period : -period] for period, run in runs)


@pytest.mark.parametrize("allowed", [3, 4, 6])
def test_the_guard_forbids_what_completes_one_copy_too_many_and_nothing_else(allowed: int) -> None:
    """At every place of loops of every period, behind beginnings of every length."""
    generator = torch.Generator().manual_seed(allowed)
    for period, lead in itertools.product(range(1, 10), (0, 1, 5)):
        head = torch.randint(0, 7, (lead,), generator=generator)
        row = torch.cat([head, torch.randint(0, 5, (period,), generator=generator).repeat(allowed + 2)]).tolist()
        for guard, sentence in ((LoopGuard([allowed], CPU), 0), (LoopGuard([9, allowed, 3], CPU), 1)):
            for count in range(len(row) + 1):
                scores = torch.zeros(1, 1, 8)
                guard.apply(living(torch.tensor(row[:count], dtype=torch.int64)[None, None], sentence), scores)
                for token in range(8):
                    over = completes_one_too_many([*row[:count], token], allowed)
                    assert (scores[0, 0, token] == -torch.inf) == over, (row[:count], token)


class Circles(TableModel):
    """A model that nearly always says again what it said three tokens before."""

    def step(self, token_R: Tensor, cache: Any) -> Tensor:
        scores_RV = super().step(token_R, cache).clone()
        scores_RV[:, EOS] -= 4
        if cache.token_RT.shape[1] > 4:
            scores_RV.scatter_add_(1, cache.token_RT[:, -3:-2], torch.full((len(token_R), 1), 4.0))
        return scores_RV


@each_strategy
@each_seed
def test_nothing_goes_round_in_circles(strategy: Any, seed: int) -> None:
    model, limits, allowed = Circles(seed, longest=60), [60] * 8, [3, 3, 5, 3, 4, 3, 3, 7]
    plain, found = (ruled(model, strategy, SOURCES, limits, rules) for rules in ([], [LoopGuard(allowed, CPU)]))

    def circles(ids: Sequence[int], copies: int) -> bool:
        return any(completes_one_too_many(ids[:at], copies) for at in range(len(ids) + 1))

    assert any(circles(one.ids, copies) for [one], copies in zip(plain, allowed, strict=True))
    assert not any(circles(one.ids, copies) for [one], copies in zip(found, allowed, strict=True))


@each_strategy
@each_seed
def test_in_a_row_of_pieces_there_are_enough_different_ones(strategy: Any, seed: int) -> None:
    """With five pieces in all, of which three are words: what wants more than three must end."""
    model, limits, wanted = TableModel(seed, longest=60), [60] * 8, [3, 1, 4, 2, 3, 4, 1, 3]
    model.logits[..., EOS] -= 9
    found = ruled(model, strategy, SOURCES, limits, [VarietyGuard(wanted, CPU)], strategy.width)
    rows = [[set(row) for one in many for row in ngrams(one.ids, ROW)] for many in found]
    assert all(len(row) >= variety for variety, some in zip(wanted, rows, strict=True) for row in some)
    assert any(some for some in rows)
    assert all(len(one.ids) < ROW for place in (2, 5) for one in found[place])


def test_a_translation_may_be_as_poor_as_its_source() -> None:
    poor, short, rich = Sentence([1, 2] * 6), Sentence([1, 2] * 5), Sentence([*range(12), *[1] * 4])
    assert variety_allowed([poor, short, rich, Sentence([])]) == [2, VARIETY, VARIETY, VARIETY]
    assert variety_allowed([short._replace(prefix=(4, 5, 6, 4) * 4)]) == [3]
    assert variety_allowed([short._replace(required=((), ((4, 5) * 6, (4,))))]) == [2]


def test_a_translation_may_repeat_as_often_as_its_source_and_once_more() -> None:
    counted = [5, 1, 2, 1, 2, 1, 2, 1, 2, 8], [1, 1, 1, 1, 1], [1, 2, 3], [], [4, 5] * 12
    assert copies_allowed([Sentence(pieces) for pieces in counted]) == [5, 6, 3, 3, 13]
    assert copies_allowed([Sentence([1], prefix=(7,) * 8), Sentence([1], required=(((7,) * 4,),))]) == [9, 5]


def test_a_translation_is_said_to_loop_where_the_guard_stood_in_its_way() -> None:
    source = Sentence([1, 2, 3])
    for ids in ([*[5, 6] * 3, 5, 9], [7] * 6, [1, 2, *[3, 4, 5, 6] * 3, 3, 4, 5]):
        assert looped(ids, source)
        assert not looped(ids[:5], source)
    assert not looped([7] * 6, Sentence([1] * 6))
    assert looped([7] * 7, Sentence([1] * 6))
    poor = [1, 2, 3, 4, 2, 1, 3, 2, 4, 4, 1, 4, 2, 3, 1, 2, 1, 4, 3, 2, 1, 2, 4]
    assert looped(poor, source)
    assert not looped([*poor[:9], 5, *poor[10:]], source)
    assert not looped([*range(100)], source)
    assert not looped([], source)


@each_strategy
def test_no_sentence_depends_on_the_rules_of_others(strategy: Any) -> None:
    """Batches of any size and order, where every sentence has its own rules."""
    model = talker(4)
    prefixes, least = [(2, 3), (), (4,), (), (), (), (3, 3, 3), ()], [3, 1, 0, 5, 9, 0, 4, 6]
    phrases, allowed = [[], [b"ab"], [b"c"], [], [b"ba", b"cc"], [], [], [b"abc"]], [3, 4, 3, 6, 3, 3, 5, 3]
    spelled = Spelling([b"", b"", b"a", b"b", b"c"])

    def run(places: list[int]) -> Any:
        take = lambda values: [values[place] for place in places]  # noqa: E731
        inner = [
            RepetitionPenalty(1.3),
            NoRepeat(4),
            LoopGuard(take(allowed), CPU),
            VarietyGuard(take(allowed), CPU),
            Shortest(take(least), EOS, CPU),
            Forbidden(take(phrases), spelled, CPU),
        ]
        rules = [Prefix(take([Sentence([], prefix=one, begun=b"ab") for one in prefixes]), inner, spelled, CPU)]
        return ruled(model, strategy, take(SOURCES), take(LIMITS), rules, strategy.width)

    least = [min(short, limit - 1) for short, limit in zip(least, LIMITS, strict=True)]
    together, backwards = run(list(range(8))), run(list(range(7, -1, -1)))[::-1]
    alone = [run([place])[0] for place in range(8)]
    assert all(map(same, together, alone))
    assert all(map(same, together, backwards))


def test_rules_that_leave_nothing_are_an_error_of_the_users() -> None:
    everything = Forbidden([[b"a", b"b", b"c"]], Spelling([b"", b"", b"a", b"b", b"c"]), CPU)
    with pytest.raises(OptionsError, match="no translation can keep to all that is required and forbidden at once"):
        ruled(TableModel(0), Greedy(), [0], [5], [everything, Shortest([2], EOS, CPU)])


def living(token_BWT: Tensor, sentence: int) -> Living:
    (B, W, count), places = token_BWT.shape, torch.tensor([sentence])
    return Living(count + 1, places, places, places + 99, token_BWT, torch.zeros(B, W))
