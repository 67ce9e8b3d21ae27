"""Interactive use: a populated cluster with both servers for a person to explore.

Duty: ``python -m bench up`` and ``python -m bench ui``: what is started, its live metrics, and the
tests that a person starts, each kept as a trial of a results folder.

What does not belong here: Locust, which runs in processes of its own (``bench.load.webui``),
and trials of a plan (``bench.trial``).
"""
