import pytest
import torch

from nmtk.bundle import Bundle
from tests.benchmarks.decoding.differences import explain, log_probabilities
from tests.benchmarks.decoding.memory import peak
from tests.benchmarks.decoding.run import _identical, table
from tests.decoding.copying import copying_bundle


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return copying_bundle()


def test_medians_and_what_is_identical() -> None:
    turns = [{"tokens_per_second": n, "line": 1 / n, "loaded": 1.0, "peak": 100.0, "bleu": 30.0} for n in (10, 30, 20)]
    names = ["nmtk float32, beam 5, batch 64", "ctranslate2 int8, beam 5, batch 64"]
    found = {names[0]: [[1, 2], [3]], names[1]: [[1, 2], [4]]}
    text = table(dict.fromkeys(names, turns), _identical(found))
    assert f"| {names[0]} | 20 | 50.0 | 1.00 | 100 | 30.00 | 2 of 2 |" in text
    assert f"| {names[1]} | 20 | 50.0 | 1.00 | 100 | 30.00 | 1 of 2 |" in text


def test_why_translations_differ(bundle: Bundle) -> None:
    source = [5, 6, 7]
    worse, better = sorted(([5, 6, 7], [5, 6, 8]), key=lambda found: sum(log_probabilities(bundle, source, found)))
    text = explain(bundle, source, better, worse)
    assert text.startswith("parts at token 3 (")
    assert text.endswith(": nmtk's is more probable")
    assert explain(bundle, source, worse, better).endswith(": nmtk's is less probable")
    assert explain(bundle, source, better, better).endswith(": a tie")


def test_log_probabilities_are_those_of_the_step_by_step_model(bundle: Bundle) -> None:
    source, target = [5, 6, 7], [7, 5]
    eos, bos = bundle.vocabularies.source.eos, bundle.vocabularies.target.bos
    with torch.inference_mode():
        model = bundle.model
        cache = model.start(model.encode(torch.tensor([[*source, eos]]), None), None, 1, 3)
        stepped = [
            float(model.step(torch.tensor([token]), cache)[0, after])
            for token, after in zip([bos, *target], [*target, eos], strict=True)
        ]
    assert log_probabilities(bundle, source, target) == pytest.approx(stepped, abs=1e-5)


def test_peak_memory_is_at_least_what_is_held() -> None:
    before = peak()
    held = b"1" * (64 << 20)
    assert peak() > before + 1
    assert len(held) == 64 << 20
