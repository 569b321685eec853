"""The doctor finds what was planted in a sound corpus, where it was planted, and nothing in the sound one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nmtk.data.doctor.findings import Severity
from nmtk.data.held_out import HeldOut
from nmtk.data.pairs import Pair
from nmtk.documents import to_yaml
from nmtk.errors import OptionsError
from nmtk.recipe.doctor import diagnose, files_case, recipe_case, summary, worst
from nmtk.recipe.phrases.sentences import split
from nmtk.recipe.shelf import shipped

Pairs = list[tuple[str, str]]
SOUND = split(1200, 1)
LONGER = "The committee has asked the Commission to present a report on the state of the fisheries fund"


def write(folder: Path, name: str, pairs: Pairs) -> list[Path]:
    paths = [folder / f"{name}.{language}" for language in ("en", "de")]
    for side, path in enumerate(paths):
        path.write_text("".join(f"{pair[side]}\n" for pair in pairs), "utf-8", newline="")
    return paths


def examined(
    folder: Path, pairs: Pairs, tests: Pairs | None = None, most: int = 99
) -> dict[str, tuple[int, list[int]]]:
    """Count and line numbers of each finding of the pairs."""
    held = [write(folder, "test", tests)] if tests else []
    with files_case(write(folder, "train", pairs), held) as case:
        first, *_ = diagnose(case, most)
    found: dict[str, tuple[int, list[int]]] = {}
    for finding in first.findings:
        assert len(finding.examples) == min(finding.times, most)
        count, lines = found.get(finding.fault, (0, []))
        found[finding.fault] = count + finding.times, lines + [example.line for example in finding.examples]
    return found


def test_nothing_is_wrong_with_the_sound_corpus(tmp_path: Path) -> None:
    found = examined(tmp_path, list(SOUND.train), list(SOUND.test))
    found.pop("several targets", None)  # `um sieben Uhr` may be `at seven` and `at seven o'clock`
    found.pop("near overlap", None)  # sentences of one grammar are alike
    assert found == {}


def swap(pair: tuple[str, str]) -> tuple[str, str]:
    return pair[1], pair[0]


PLANTS: dict[str, Callable[[tuple[str, str]], tuple[str, str]]] = {
    "empty": lambda pair: (" ", pair[1]),
    "both empty": lambda _: ("", "\u00a0"),
    "identical": lambda pair: (pair[0], pair[0] + " "),
    "length ratio": lambda pair: (f"{pair[0]} {LONGER} {LONGER} {LONGER}", pair[1]),
    "long": lambda pair: (" ".join([pair[0]] * 60), " ".join([pair[1]] * 60)),
    "tags": lambda pair: (pair[0], f"<b>{pair[1]}</b>"),
    "entities": lambda pair: (f"{pair[0]} &amp; more", pair[1]),
    "address": lambda _: ("https://example.org/a?b=c", "https://example.org/a?b=de"),
    "control": lambda pair: (pair[0], pair[1] + "\x85"),
    "zero-width": lambda pair: (pair[0].replace(" ", " \u200b", 1), pair[1]),
    "direction": lambda pair: ("\u200e" + pair[0], pair[1]),
    "replacement": lambda pair: (pair[0], pair[1] + " f\ufffdr"),
    "mojibake": lambda pair: (pair[0], pair[1] + " für".encode().decode("cp1252")),
    "non-character": lambda pair: (pair[0], pair[1] + " \uffff"),
    "lost letters": lambda pair: (pair[0], pair[1] + " f?r"),
    "width": lambda pair: (pair[0] + " ２3", pair[1]),
    "private use": lambda pair: (pair[0] + " \uf0b7", pair[1]),
    "script": lambda pair: (pair[0], "Он видит двух больших собак"),
    "mixed script": lambda pair: (pair[0] + " cаttle", pair[1]),
    "swapped": swap,
}
EVERYWHERE = [5, 500, 1000]


@pytest.mark.parametrize("fault", PLANTS)
def test_what_is_planted_is_found_and_nothing_else(tmp_path: Path, fault: str) -> None:
    sound = list(SOUND.train)
    # Sentences long enough to tell their language; any would do for the others.
    lines = [next(at for at in range(near, len(sound)) if len(sound[at - 1][0]) > 60) for near in EVERYWHERE]
    for line in lines:
        sound[line - 1] = PLANTS[fault](sound[line - 1])
    found = examined(tmp_path, sound)
    sides = 2 if fault in ("long", "address") else 1
    count, where = found.pop(fault)
    assert count == 3 * sides
    assert where == lines * sides
    found.pop("several targets", None)
    found.pop({"address": "duplicate", "identical": "language"}.get(fault, ""), None)  # it is the one by the other
    assert found == {}


def test_an_untranslated_side(tmp_path: Path) -> None:
    sound = list(SOUND.train)
    line = next(at for at in range(100, len(sound)) if len(sound[at - 1][0]) > 60)
    sound[line - 1] = (sound[line - 1][0], sound[line][0] + " " + sound[line - 1][0])
    assert examined(tmp_path, sound)["language"] == (1, [line])


def test_repeats(tmp_path: Path) -> None:
    pairs = [
        ("a", "b"),
        ("a", "c"),
        ("a", "b"),
        ("A", " b"),
        ("a", "d"),
        ("é", "ü"),
        ("e\u0301", "ü"),
        ("", "x"),
        ("", "y"),
    ]
    found = examined(tmp_path, pairs)
    assert found["near duplicate"] == (2, [4, 7])
    assert found["duplicate"] == (1, [3])
    assert found["several targets"] == (2, [2, 5])


def test_what_stands_in_a_test_set_is_what_training_leaves_out(tmp_path: Path) -> None:
    train, test = list(SOUND.train), list(SOUND.test)
    train[10] = test[3]
    train[20] = (test[4][0].upper() + "?!", "etwas anderes")
    train[30] = ("something else", f"„{test[5][1]}“")
    held_out = HeldOut(Pair(*pair, 1) for pair in test)
    wanted = [line for line, pair in enumerate(train, 1) if held_out.holds(Pair(*pair, line))]
    assert wanted == [11, 21, 31]
    assert examined(tmp_path, train, test)["overlap"] == (3, wanted)


def test_a_test_sentence_of_which_a_word_was_changed(tmp_path: Path) -> None:
    before = examined(tmp_path, list(SOUND.train), [(LONGER, "x")])
    assert "near overlap" not in before
    train = [*SOUND.train, (LONGER.replace("fund", "funds"), "y")]
    assert examined(tmp_path, train, [(LONGER, "x")])["near overlap"] == (1, [len(train)])


def test_a_test_sentence_of_which_a_part_is_other(tmp_path: Path) -> None:
    """A word of eight; another sentence beside it; or its sides the other way round."""
    short, other = "The committee has asked the minister about fisheries", "Der Ausschuss hat den Minister befragt"
    for changed in (short.replace("fisheries", "forests"), short.replace("The", "One"), f"{SOUND.train[0][0]} {short}"):
        found = examined(tmp_path, [*SOUND.train, (changed, "y")], [(short, other)])
        assert found["near overlap"] == (1, [len(SOUND.train) + 1])
    assert examined(tmp_path, [*SOUND.train, (other, "y")], [(short, other)])["turned overlap"][0] == 1


def test_a_validation_set_that_is_the_test_set_is_an_error(tmp_path: Path) -> None:
    same = write(tmp_path, "test", list(SOUND.test))
    with files_case(write(tmp_path, "train", list(SOUND.train)), [same, same]) as case:
        train, valid, _ = diagnose(case)
    assert worst([train]) in (None, Severity.NOTE)
    [finding] = [one for one in valid.findings if one.fault == "overlap"]
    assert str(finding.severity) == "error"


def test_a_profile_of_few_pairs_says_nothing(tmp_path: Path) -> None:
    assert examined(tmp_path, [*SOUND.train[:50], swap(SOUND.train[50])]).keys() <= {"several targets", "too few"}
    few = [(source, "狗" * (len(source) // 8)) for source, _ in SOUND.train[:50]]
    assert examined(tmp_path, few).keys() <= {"several targets", "too few"}, "their length is what is usual"


def test_letters_that_are_in_text_of_any_script(tmp_path: Path) -> None:
    pairs = list(SOUND.train)
    pairs[100:104] = [("1º", "1ª"), ("µ", "5 µm"), ("x²", "ʼ"), ("ﬁ", "№ 5")]
    assert examined(tmp_path, pairs).keys() <= {"several targets", "identical"}


def test_japanese_is_in_one_script(tmp_path: Path) -> None:
    words = ["これは", "人々が", "コーヒー", "東京", "ｶﾀｶﾅ", "を見る"]
    pairs = [(source, "".join(words[(at + n) % 6] for n in range(3))) for at, (source, _) in enumerate(SOUND.train)]
    pairs[7] = (pairs[7][0], "ラーメン")
    pairs[8] = (pairs[8][0], "々ー")
    assert not {"script", "mixed script"} & examined(tmp_path, pairs).keys()


def test_what_has_no_width_is_empty(tmp_path: Path) -> None:
    pairs = list(SOUND.train)
    pairs[4:6] = [(pairs[4][0], "\u00a0"), (pairs[5][0], "\u200b \ufeff")]
    assert examined(tmp_path, pairs)["empty"] == (2, [5, 6])


def test_texts_that_have_their_sides_the_other_way_round(tmp_path: Path) -> None:
    """It is said of those that are fewer, and not of their pairs one by one."""
    train, test = list(SOUND.train), list(SOUND.test)
    back = [swap(pair) for pair in train], [swap(pair) for pair in test]
    for texts, told in (
        ((back[0], test, test), {0: "test0 and test1"}),
        ((train, test, back[1]), {2: "pairs and test0"}),
        ((train, back[1]), {1: "pairs"}),
        ((train, test, test), {}),
        ((back[0], back[1], back[1]), {}),
    ):
        paths = [write(tmp_path, f"test{index - 1}" if index else "train", text) for index, text in enumerate(texts)]
        with files_case(paths[0], paths[1:]) as case:
            findings = [{one.fault: one for one in text.findings} for text in diagnose(case)]
        assert not any("swapped" in found for found in findings)
        assert {index for index, found in enumerate(findings) if "sides" in found} == set(told)
        for index, others in told.items():
            finding = findings[index]["sides"]
            assert str(finding.severity) == "error"
            assert finding.says.replace(".en", "") == f"source and target are the other way round than in {others}"
            assert finding.mend.startswith("see which is right") is (len(texts) == 2)


def chained(folder: Path, by: str = "reverse.yaml") -> Path:
    """A recipe with a text that another one, beside it, is to make."""
    train, test = list(SOUND.train), list(SOUND.test)
    write(folder, "train", train)
    write(folder, "test", test)
    sides = {"source": "test.en", "target": "test.de"}
    given = {"source": "train.en", "target": "train.de"}
    data = {
        "source": "en",
        "target": "de",
        "translate": {"made.en": {"text": "train.de", "by": by}},
        "train": [{"source": "made.en", "target": "train.de"}, given],
        "valid": sides,
        "test": {"test": sides},
    }
    document = {"name": "last", "data": data, "training": {"updates": 1}}
    (folder / "recipe.yaml").write_text(to_yaml(document))
    back = {"source": "de", "target": "en", "translate": {}, "train": [{"source": "train.de", "target": "train.en"}]}
    (folder / "reverse.yaml").write_text(to_yaml(document | {"name": "reverse", "data": data | back}))
    return folder / "recipe.yaml"


def test_what_is_still_to_be_made_is_noted_and_all_else_examined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with recipe_case(chained(tmp_path)) as case:
        made, given, *sets = diagnose(case)
    assert list(made.lines()) == [
        "corpus1: 0 pairs of made.en and train.de",
        "  note     made.en is still to be made, by reverse.yaml from train.de; nmtk train does that, before it trains",
    ]
    assert (given.name, given.pairs) == ("corpus2", len(SOUND.train))
    assert [text.pairs for text in sets] == [len(SOUND.test)] * 2
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("by", "message"),
    [("recipe.yaml", "recipes wait for each other: recipe.yaml > recipe.yaml"), ("none.yaml", "no such recipe")],
)
def test_a_chain_that_cannot_be_is_told_as_in_training(tmp_path: Path, by: str, message: str) -> None:
    with pytest.raises(OptionsError, match=message), recipe_case(chained(tmp_path, by)):
        pass


def test_a_recipe_that_writes_its_own_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (shipped()["quickstart"] / "recipe.yaml").read_text("utf-8")
    Path("recipe.yaml").write_text(text.replace("pairs: 24000", "pairs: 600"), "utf-8")
    with recipe_case(Path("recipe.yaml")) as case:
        found = list(diagnose(case))
    assert [(text.name, text.pairs) for text in found] == [("corpus1", 600), ("valid", 500), ("test", 1000)]
    assert worst(found) in (None, Severity.NOTE), summary(found)
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"], "nothing is left behind"
