import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nmtk.errors import DataError
from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary

ODD = [
    "",
    "Grüße 😀👩‍🚀!",
    "漢字 und עברית",
    "▅ ▅",
    "a\u0301 é",
    "</s> <s> <pad> <unk>",
    "x" * 5000,
    "<0x41>",
    "tab\there",
]


@pytest.mark.parametrize("kind", ["unigram", "bpe", "char"])
def test_any_text_comes_back_by_byte_fallback(kind: str, text: list[str]) -> None:
    options = VocabularyOptions.parse({"kind": kind, "size": 400, "normalisation": "identity"}, "test")
    vocabulary = Vocabulary(learn(text, options))
    ids = vocabulary.encode(text + ODD)
    assert vocabulary.decode(ids) == text + ODD
    assert not any(vocabulary.unk in row for row in ids)


def test_without_byte_fallback_what_was_not_learned_is_unknown(text: list[str]) -> None:
    vocabulary = Vocabulary(learn(text, VocabularyOptions(size=200, byte_fallback=False)))
    (ids,) = vocabulary.encode([text[0] + " 😀"])
    assert ids.count(vocabulary.unk) == 1
    assert vocabulary.pieces(ids)[-1] == "<unk>"
    assert sum(vocabulary.widths[ids]) == len(text[0].replace(" ", ""))


def test_the_first_four_pieces_of_a_learned_vocabulary(learned: Vocabulary) -> None:
    assert learned.pieces([0, 1, 2, 3]) == ["<pad>", "<unk>", "<s>", "</s>"]
    assert (learned.pad, learned.unk, learned.bos, learned.eos) == (0, 1, 2, 3)
    assert len(learned) == 500


def test_special_ids_are_never_encoded_and_never_decoded(learned: Vocabulary, text: list[str]) -> None:
    special = {learned.pad, learned.bos, learned.eos}
    plain = learned.encode([*text, *ODD])
    assert all(special.isdisjoint(row) for row in plain)
    dressed = [[learned.bos, *row, learned.eos, learned.pad, learned.pad] for row in plain]
    assert learned.decode(dressed) == learned.decode(plain)
    assert learned.decode([list(np.array(row, np.int64)) for row in dressed]) == learned.decode(plain)


@pytest.mark.parametrize(
    ("drawn", "whole"),
    [
        (b"\xc3", ""),
        (b"\xc3\xa4", "ä"),
        (b"\xa4\xc3\xa4\xe2\x80", "ä"),
        (b"\xe2\x80\xc3\xa4\xff", "ä"),
        (b"\xed\xa0\x80", ""),
        (b"\xef\xbf\xbd", "\ufffd"),
    ],
)
def test_bytes_that_are_part_of_no_character_are_not_told(learned: Vocabulary, drawn: bytes, whole: str) -> None:
    first = learned.pieces(range(len(learned))).index("<0x00>")
    odd, (ba, le) = [first + byte for byte in drawn], learned.encode(["ba", "le"])
    ids = [*ba, *odd, *le, *odd]
    assert learned.decode([ids, [*odd, *ba], ba]) == [f"ba{whole} le{whole}", f"{whole} ba".strip(), "ba"]
    told, spans = learned.decode([ids])[0].encode(), learned.decoded_spans(ids)
    assert b"".join(told[begin:end] for begin, end in spans) == told
    assert len(spans) == len(ids)


def test_a_symbol_is_always_one_piece(learned: Vocabulary) -> None:
    symbol = learned.pieces(range(len(learned))).index("<ph>")
    (ids,) = learned.encode(["ba<ph>le <ph> mün"])
    assert ids.count(symbol) == 2
    assert learned.decode([ids]) == ["ba<ph>le <ph> mün"]


def test_no_texts_give_no_rows(learned: Vocabulary) -> None:
    assert learned.encode([]) == []
    assert learned.decode([]) == []
    assert learned.encode([""]) == [[]]
    assert learned.decode([[]]) == [""]


def test_many_texts_are_encoded_as_few(learned: Vocabulary, text: list[str]) -> None:
    many = text * 3
    assert learned.encode(many) == [row for one in many for row in learned.encode([one])]


def test_half_a_surrogate_pair_is_named(learned: Vocabulary) -> None:
    for work in (learned.encode, lambda texts: learned.sample(texts, 0.1, np.random.default_rng(0))):
        with pytest.raises(DataError, match=r"^text holds U\+D800, half of a surrogate pair: wanted Unicode text$"):
            work(["fine", "not \ud800 fine"])


@pytest.mark.parametrize(
    ("name", "pad", "unk", "bos", "eos"),
    [("t5", 0, 2, 1, 1), ("opus-mt", 0, 1, 0, 0), ("defaults", 2, 0, 1, 2), ("symbols", 7, 0, 1, 7)],
)
def test_special_ids_of_models_made_elsewhere(
    name: str, pad: int, unk: int, bos: int, eos: int, foreign: dict[str, bytes], text: list[str]
) -> None:
    """Without padding or <s>, both are </s>."""
    vocabulary = Vocabulary(foreign[name])
    assert (vocabulary.pad, vocabulary.unk, vocabulary.bos, vocabulary.eos) == (pad, unk, bos, eos)
    assert vocabulary.decode([[*row, eos, pad] for row in vocabulary.encode(text)]) == text


def test_a_model_without_end_of_sentence_is_refused(train: Callable[..., bytes], text: list[str]) -> None:
    with pytest.raises(DataError, match=r"^some/file: this SentencePiece model has no </s>"):
        Vocabulary(train(text, eos_id=-1), "some/file")


@pytest.mark.parametrize("cut", [0, 1, 100, -3])
def test_what_is_no_model_is_refused(
    cut: int, learned: Vocabulary, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.model"
    path.write_bytes(learned.model[:cut])
    with pytest.raises(DataError) as error:
        Vocabulary.load(path)
    assert str(error.value) == f"{path}: no SentencePiece model, or one that is cut short"
    assert capfd.readouterr() == ("", "")


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.model: no such file$"):
        Vocabulary.load(tmp_path / "nowhere.model")
    with pytest.raises(DataError, match=r"cannot be read: Is a directory$"):
        Vocabulary.load(tmp_path)


def test_saved_and_pickled_it_is_the_same(learned: Vocabulary, text: list[str], tmp_path: Path) -> None:
    learned.save(tmp_path / "v.model")
    for other in (Vocabulary.load(tmp_path / "v.model"), pickle.loads(pickle.dumps(learned))):
        assert other.digest == learned.digest
        assert other.encode(text) == learned.encode(text)


def test_a_joint_vocabulary_is_one_file(learned: Vocabulary, foreign: dict[str, bytes], tmp_path: Path) -> None:
    other = Vocabulary(foreign["t5"])
    pair, joint = Vocabularies(learned, other), Vocabularies(learned, learned)
    assert joint.joint
    assert not pair.joint
    assert len({pair.digest, joint.digest, Vocabularies(other, learned).digest}) == 3
    # Each layout saved over the other leaves nothing of it behind.
    for vocabularies, files in ((pair, ["source.model", "target.model"]), (joint, ["vocabulary.model"]), (pair, None)):
        vocabularies.save(tmp_path)
        assert files is None or sorted(path.name for path in tmp_path.iterdir()) == files
        loaded = Vocabularies.load(tmp_path)
        assert loaded.digest == vocabularies.digest
        assert loaded.source.digest == vocabularies.source.digest


def test_a_folder_without_a_whole_vocabulary_is_refused(learned: Vocabulary, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"found no vocabulary, wanted vocabulary\.model, or source\.model and target\.model$"
    ):
        Vocabularies.load(tmp_path)
    learned.save(tmp_path / "source.model")
    with pytest.raises(DataError, match=r"target\.model: no such file$"):
        Vocabularies.load(tmp_path)
