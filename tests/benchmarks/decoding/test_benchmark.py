from tests.benchmarks.decoding.run import _identical, table


def test_medians_and_what_is_identical() -> None:
    turns = [{"tokens_per_second": n, "line": 1 / n, "loaded": 1.0, "peak": 100.0, "bleu": 30.0} for n in (10, 30, 20)]
    names = ["nmtk float32, beam 5, batch 64", "ctranslate2 int8, beam 5, batch 64"]
    found = {names[0]: [[1, 2], [3]], names[1]: [[1, 2], [4]]}
    text = table(dict.fromkeys(names, turns), _identical(found))
    assert f"| {names[0]} | 20 | 50.0 | 1.00 | 100 | 30.00 | 2 of 2 |" in text
    assert f"| {names[1]} | 20 | 50.0 | 1.00 | 100 | 30.00 | 1 of 2 |" in text
