from collections.abc import Iterator

import pytest
import torch

from nmtk.decoding.batching import blocks, by_length, source_batch


@pytest.mark.parametrize("most", [1, 10, 64, 1000])
def test_every_sentence_is_in_one_batch_and_no_batch_is_too_large(most: int) -> None:
    lengths = [7, 3, 12, 3, 100, 1, 7, 8, 20, 5, 5]
    batches = list(by_length(lengths, most))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= most
    flat = [lengths[place] for batch in batches for place in batch]
    assert flat == sorted(flat, reverse=True)


def test_no_sentences_make_no_batch() -> None:
    assert list(by_length([], 10)) == []


def test_a_block_is_given_out_before_more_is_taken() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(7):
            taken.append(number)
            yield number

    rest = blocks(items(), 3)
    assert next(rest) == [0, 1, 2]
    assert taken == [0, 1, 2]
    assert list(rest) == [[3, 4, 5], [6]]


def test_the_mask_comes_from_lengths_not_from_ids() -> None:
    source_BS, keep_BS = source_batch([[5, 3], [4]], eos=3, fill=3, device=torch.device("cpu"))
    assert source_BS.tolist() == [[5, 3, 3], [4, 3, 3]]
    assert keep_BS is not None
    assert keep_BS.tolist() == [[True, True, True], [True, True, False]]


def test_sentences_of_one_length_need_no_mask() -> None:
    assert source_batch([[5, 6], [4, 4]], eos=3, fill=0, device=torch.device("cpu"))[1] is None
