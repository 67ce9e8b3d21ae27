"""Self-test of the instrument: known faults are put in, and it has to find them at their size.

Duty: ``flaws`` are what a server may do wrong, ``proxy`` puts one in front of a real server,
``clients`` are clients whose requests are known,
``plans`` says which servers run under which load, ``checks`` judges what was found, and
``calibrate`` runs all of it.

What does not belong here: a counter or a clock. Everything is measured by the very runs and
analysed by the very analysis that a person's own plans go through.
"""

NAMES = ("same", "churn", "latency", "stall", "counts", "stale", "answers", "saturation", "clients")
"""The calibration runs, in their order. Each has a plan and a check of its name."""
