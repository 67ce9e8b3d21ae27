"""Self-tests of the instrument: known faults are put in, and it has to find them at their size.

``flaws`` are what a server may do wrong, ``proxy`` puts one in front of a real
server, ``plans`` says who runs under which load, ``checks`` says what ought to be
found, ``calibrate`` walks through all of it. Everything is measured by the very
runs and analysed by the very analysis that a person's own plans go through:
nothing here reads a counter or a clock of its own.
"""

NAMES = ("same", "churn", "latency", "stall", "counts", "stale")
"""The calibration runs, in their order. Each has a plan and a check of its name."""
