"""Tokenised BLEU as papers on WMT14 English-German report it: Moses' tokens, compounds split at their hyphens.

    detokenised text -> tokenizer.perl -l de -> s/(\\S)-(\\S)/\\1 ##AT##-##AT## \\2/g -> multi-bleu.perl

This is how the figures of GNMT, ConvS2S and the Transformer were made (Tensor2Tensor's `get_ende_bleu.sh`); the split
goes back to Luong, Pham & Manning (2015). Splitting makes more n-grams match, so that the figure is higher. Here the
reference is tokenised like the translations, where they took it from a file that was tokenised by others.
"""

import re
from collections.abc import Sequence
from importlib.metadata import version

from sacrebleu.metrics.bleu import BLEU, BLEUScore
from sacrebleu.tokenizers.tokenizer_base import BaseTokenizer

from nmtk.errors import OptionsError

_HYPHEN = re.compile(r"(\S)-(\S)")


class CompoundTokenizer(BaseTokenizer):
    """Moses' tokeniser for a language, as sacremoses has it, and then the split at hyphens."""

    def __init__(self, language: str) -> None:
        """Raises OptionsError when sacremoses is not installed."""
        try:
            from sacremoses import MosesTokenizer
        except ImportError:
            raise OptionsError(
                "compound-bleu: wanted sacremoses for Moses' tokens: pip install 'nmtk[moses]'"
            ) from None
        self._moses = MosesTokenizer(lang=language)
        self._signature = f"sacremoses-{version('sacremoses')}-{language}-compounds"

    def signature(self) -> str:
        """What a figure's signature calls it."""
        return self._signature

    def __call__(self, line: str) -> str:
        """The tokens of a line, joined by blanks."""
        return _HYPHEN.sub(r"\1 ##AT##-##AT## \2", self._moses.tokenize(line, return_str=True))


class CompoundSplitBleu(BLEU):
    """sacreBLEU's BLEU, without smoothing as in multi-bleu.perl, over such tokens; its score has a name of its own."""

    def __init__(self, language: str, references: Sequence[Sequence[str]]) -> None:
        """Raises OptionsError when sacremoses is not installed."""
        super().__init__(tokenize="none", smooth_method="none", force=True)
        self.tokenizer = CompoundTokenizer(language)
        self.tokenizer_signature = self.tokenizer.signature()
        self._ref_cache = self._cache_references(references)

    def _compute_score_from_stats(self, stats: list[int]) -> BLEUScore:
        score = super()._compute_score_from_stats(stats)
        score.name = "compound-BLEU"
        return score
