"""Self-test of the instrument: known faults are put in, and it has to find them at their size.

What does not belong here: a counter or a clock. Everything is measured by the very runs and
analysed by the very analysis that a person's own plans go through.
"""

NAMES = ("same", "churn", "latency", "stall", "counts", "stale", "answers", "saturation", "clients")
"""The calibration runs, in their order. Each has a plan and a check of its name."""
