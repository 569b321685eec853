"""Laws of words: they are the line, and in scripts without spaces each character is one."""

import pytest

from nmtk.writing import is_spaced, spaced, word_pattern


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Der Hund schläft, 2 mal.", "Der Hund schläft , 2 mal ."),
        ("e\u0301te\u0301 été", "e\u0301te\u0301 été"),
        ("हिन्दी भाषा है।", "हिन्दी भाषा है ।"),
        ("今日は、ABC 12", "今 日 は 、 ABC 12"),
        ("ABC社 が", "ABC 社 が"),
        ("ทุกคน", "ทุ ก ค น"),
        ("한국어 문장", "한국어 문장"),
        ("", ""),
    ],
)
def test_words_and_signs_are_found(line: str, words: str) -> None:
    assert word_pattern().findall(line) == words.split()


def test_spaces_part_words_only_where_a_script_puts_none() -> None:
    assert spaced("Zwei  Katzen, ja.") == "Zwei  Katzen, ja."
    assert spaced("今日は、12").split() == ["今", "日", "は", "、12"]
    assert spaced("ทุกคน").split() == ["ทุ", "ก", "ค", "น"]


def test_letters_and_digits_of_scripts_with_spaces_are_known() -> None:
    assert all(map(is_spaced, "aßЖहए한9"))
    assert not any(map(is_spaced, "今はカแ. -"))
