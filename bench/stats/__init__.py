"""Statistics over rounds, knowing nothing of Kubernetes. Pure: numbers in, estimates out.

The replicate is a round, a freshly started process, never a request. Which estimate is
taken depends on what is measured and never on how the figures came out:

- ``mean``: a value of one arm, Student's t over its rounds;
- ``paired_ratio``: two arms of the same rounds, Student's t on the logarithms of their
  ratios, with ``bootstrap_ratio`` as its check; ``ratio_of_means`` (Fieller) where a
  numerator may be zero; ``mean`` of the paired differences where either may be;
- ``paired_difference``: likewise, where a value may be zero;
- ``unpaired_ratio`` and ``unpaired_difference``: the same arm in two runs, whose rounds
  have nothing in common, by Welch's two-sample t;
- ``least_squares.fit``: unit costs from many trials.

A rare count is given no narrower an interval than the exact Poisson bounds.
"""

from bench.stats.estimate import (
    CONFIDENCE,
    INDICATIVE_BELOW,
    LOOK_CONFIDENCE,
    Estimate,
    Events,
    Verdict,
    at_least_times,
    bootstrap_ratio,
    equivalence,
    fieller,
    log_ratios,
    mean,
    outlying,
    paired_difference,
    paired_ratio,
    poisson_bounds,
    ratio_of_means,
    unpaired_difference,
    unpaired_ratio,
    variation,
)

__all__ = [
    "CONFIDENCE",
    "INDICATIVE_BELOW",
    "LOOK_CONFIDENCE",
    "Estimate",
    "Events",
    "Verdict",
    "at_least_times",
    "bootstrap_ratio",
    "equivalence",
    "fieller",
    "log_ratios",
    "mean",
    "outlying",
    "paired_difference",
    "paired_ratio",
    "poisson_bounds",
    "ratio_of_means",
    "unpaired_difference",
    "unpaired_ratio",
    "variation",
]
