"""Text in UTF-8 that was read in another encoding is told, with that encoding; sound text of any language is not."""

import pytest

from nmtk.data.doctor.encodings import SINGLE, misread

SENTENCES = {
    "de": "Die Straße für größere Häuser – „schön“",
    "fr": "C’est l’été à côté",
    "pl": "Zażółć gęślą jaźń, są łódki",
    "cs": "Příliš žluťoučký kůň úpěl",
    "hu": "Árvíztűrő tükörfúrógép",
    "el": "Καλημέρα κόσμε, τι κάνεις",
    "ru": "Привет, как дела сегодня",
    "zh": "我爱你中国人民共和国万岁",
    "ja": "これは日本語の文章です",
    "ko": "안녕하세요 세계 여러분",
    "he": "שלום עולם טוב",
}


@pytest.mark.parametrize("encoding", SINGLE)
@pytest.mark.parametrize("language", SENTENCES)
def test_what_was_read_in_another_encoding_is_told(language: str, encoding: str) -> None:
    data = SENTENCES[language].encode()
    wrong = "".join(bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in data)
    found = misread(wrong)
    assert found is not None
    told, piece, right = found
    assert piece in wrong
    assert right in SENTENCES[language]
    assert "".join(bytes([byte]).decode(told, "ignore") or chr(byte) for byte in right.encode()) == piece


@pytest.mark.parametrize(("text", "encoding"), [("我爱你中国人民共和国万岁", "gbk"), ("Привет, как дела", "cp932")])
def test_encodings_of_two_bytes(text: str, encoding: str) -> None:
    found = misread(text.encode().decode(encoding, "ignore"))
    assert found is not None
    assert found[0] == encoding
    assert found[2] in text


@pytest.mark.parametrize(
    "text",
    [
        *SENTENCES.values(),
        "20°C £5 ½ «x» x²±3µ",
        "MAÇÃ» não são Ã… PÃ”",
        "ĐÃ” Đây là tiếng Việt “đã”",
        "le « café\xa0» CAFÉ» É… À\xa0«\xa0été\xa0»",
        "Ål ø Å… Æ» ÆØÅ” „VÖ“",
        "Ăştia sînt aşa",
        "Ľúbim ťa Ĺš, Čaša Žž Đš Íš",
        "Её «АБВГ» С…С… Я…Я; Її гість Гіві Ві",
        "ΠΡΟΌΔΟΣ ΟΊ ΕΊΝΑΙ «ΑΥΤΟΊ»",
        "Љубав ђак Ђорђе Ћирилица",
    ],
)
def test_sound_text_is_not(text: str) -> None:
    assert misread(text) is None
