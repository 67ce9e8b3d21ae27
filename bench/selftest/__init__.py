"""Self-test of the instrument: known faults are put in, and it has to find them at their size.

Counters and clocks do not belong here: the same runs and the same analysis that a person's own
plans use measure and judge everything.
"""

NAMES = ("same", "churn", "latency", "stall", "counts", "stale", "answers", "saturation", "clients")
"""The calibration runs, in their order. Each has a plan and a check of the same name."""
