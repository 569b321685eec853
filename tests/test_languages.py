import pytest

from nmtk.languages import base_language


@pytest.mark.parametrize(
    ("code", "base"), [("de", "de"), ("pt-BR", "pt"), ("zh_Hans_CN", "zh"), ("DE_at", "de"), ("gsw", "gsw"), ("", "")]
)
def test_a_language_is_the_same_in_every_region_and_script(code: str, base: str) -> None:
    assert base_language(code) == base
