"""Bounds: the largest and smallest numbers that decoding may be asked for.

They stand far beyond all that has been found useful. What lies outside is a slip of the hand, and would run for ever or
out of memory. Nothing heavy is imported here, so that the command line knows them at once.
"""

MOST_WIDE = 10_000
"""Hypotheses or samples of a sentence."""

MOST_TOKENS = 100_000
"""Tokens of a sentence, on either side."""

MOST_FACTOR = 1000.0
"""Ratios of lengths, and what multiplies log-probabilities: in float32 they stay finite."""

LEAST_SHARE = 1e-6
"""Temperature, and the share of probability that is drawn from: below it greedy search is meant."""

MOST_ALPHA = 10.0
"""The strength of a length penalty: far more than 1 asks for the longest sentence and overflows."""
