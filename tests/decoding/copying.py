"""A small model that has learned to copy: trained once for all tests that need one."""

from functools import cache

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from nmtk.bundle import Bundle
from nmtk.data.batches import collate, flatten
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary

WORDS = ("a", "dog", "cat", "bird", "runs", "sings", "sleeps", "on", "under", "near", "house", "tree", "river", "old")
SMALL = {"width": 32, "heads": 4, "inner": 64, "encoder_layers": 1, "decoder_layers": 2, "dropout": 0.0}
UPDATES = 100


def sentences(count: int, seed: int, longest: int = 14) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(1, longest))).capitalize() + "." for _ in range(count)]


@cache
def copying_bundle(updates: int = UPDATES) -> Bundle:
    """It has only begun to learn, so that hypotheses compete; but its sentences differ, and end of themselves."""
    vocabulary = Vocabulary(learn(sentences(400, 0), VocabularyOptions(size=300)))
    torch.manual_seed(1)
    model = Transformer(TransformerOptions.model_validate(SMALL), len(vocabulary), len(vocabulary))
    optimiser = torch.optim.Adam(model.parameters(), 5e-3)
    vocabularies = Vocabularies(vocabulary, vocabulary)
    for update in range(updates):
        lines = flatten(vocabulary.encode(sentences(48, update)))
        batch = collate(lines, lines, vocabularies)
        logits_BTV = model(batch.source_BS, batch.keep_BS, batch.target_BT)
        loss = cross_entropy(logits_BTV.flatten(0, 1)[batch.real_N], batch.gold_BT.flatten()[batch.real_N])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    return Bundle(model.eval(), vocabularies, {}, {})
