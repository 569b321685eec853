"""BLEU of Moses' tokens, as papers report it. Neither figure is comparable with sacreBLEU's, nor with the other.

    WMT14 English-German: tokenizer.perl -l de | s/(\\S)-(\\S)/\\1 ##AT##-##AT## \\2/g | multi-bleu.perl
    Multi30k:             lowercase.perl | normalize-punctuation.perl -l de | tokenizer.perl -l de | multi-bleu.perl

The first is how the figures of GNMT, ConvS2S and the Transformer were made (Tensor2Tensor's `get_ende_bleu.sh`); the
split goes back to Luong, Pham & Manning (2015). Splitting makes more n-grams match, so that the figure is higher. Here
the reference is tokenised like the translations, where they took it from a file that was tokenised by others.

The second makes the `lc.norm.tok` files that come with Multi30k (Elliott et al. 2016; its `task1-tokenize.sh`), line by
line. Papers on IWSLT14 lower-case last, and leave punctuation as it is.
"""

import re
from collections.abc import Callable, Sequence
from importlib.metadata import version

from sacrebleu.metrics.base import Signature
from sacrebleu.metrics.bleu import BLEU, BLEUScore
from sacrebleu.tokenizers.tokenizer_base import BaseTokenizer

from nmtk.errors import OptionsError

_HYPHEN = re.compile(r"(\S)-(\S)")


def has_rules(language: str) -> bool:
    """Whether sacremoses tokenises a language by rules of its own; it takes English ones else. True without it."""
    try:
        from sacremoses.corpus import NonbreakingPrefixes
    except ImportError:
        return True
    return language in ("ja", "ko", *NonbreakingPrefixes().available_langs.values())


class MosesTokens(BaseTokenizer):
    """Moses' tokens of a language, as sacremoses has them."""

    def __init__(self, metric: str, language: str, change: str) -> None:
        """change: what else is done, for the signature. Raises OptionsError when sacremoses is not installed."""
        try:
            import sacremoses
        except ImportError:
            raise OptionsError(f"{metric}: wanted sacremoses for Moses' tokens: pip install 'nmtk[moses]'") from None
        self.normalise: Callable[[str], str] = sacremoses.MosesPunctNormalizer(lang=language).normalize
        self._moses = sacremoses.MosesTokenizer(lang=language)
        self._signature = f"sacremoses-{version('sacremoses')}-{language}{change}"

    def signature(self) -> str:
        """What a figure's signature calls it."""
        return self._signature

    def __call__(self, line: str) -> str:
        """The tokens of a line, joined by blanks; `&` and its like stand as entities in them."""
        tokens: str = self._moses.tokenize(line, return_str=True)
        return tokens


class CompoundTokens(MosesTokens):
    """Moses' tokens, split at their hyphens."""

    def __init__(self, language: str) -> None:
        super().__init__("compound-bleu", language, "-compounds")

    def __call__(self, line: str) -> str:
        """The tokens of a line, joined by blanks."""
        return _HYPHEN.sub(r"\1 ##AT##-##AT## \2", super().__call__(line))


class NormalisedTokens(MosesTokens):
    """Moses' tokens of text whose punctuation Moses has normalised."""

    def __init__(self, language: str) -> None:
        super().__init__("tokenised-bleu", language, "-normalised")

    def __call__(self, line: str) -> str:
        """The tokens of a line, joined by blanks."""
        return super().__call__(self.normalise(line))


class MultiBleu(BLEU):
    """sacreBLEU's BLEU over such tokens, without smoothing as in multi-bleu.perl; its score has a name of its own."""

    def __init__(
        self,
        name: str,
        tokens: MosesTokens,
        references: Sequence[Sequence[str]],
        lowercase: bool = False,
        tokenised: bool = False,
    ) -> None:
        """tokenised: whether the references are tokens as they stand."""
        super().__init__(tokenize="none", lowercase=lowercase, smooth_method="none", force=True)
        self.name, self.tokenised = name, tokenised
        if not tokenised:
            self.tokenizer = tokens
        self._ref_cache = self._cache_references(references)
        self.tokenizer, self.tokenizer_signature = tokens, tokens.signature()

    def get_signature(self) -> Signature:
        """As BLEU's; and whether only the translations were cut."""
        signature = super().get_signature()
        if self.tokenised:
            signature.update("ref", "tokenised")
        return signature

    def _compute_score_from_stats(self, stats: list[int]) -> BLEUScore:
        score = super()._compute_score_from_stats(stats)
        score.name = self.name
        return score
