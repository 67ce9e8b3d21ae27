"""Interactive use: a populated cluster with both servers for a person to explore.

Duty: ``python -m bench up`` and ``python -m bench ui``: the demo environment, its live metrics,
and the tests that a person starts, each kept as a trial of a results folder.

Locust, which runs in its own processes (``bench.load.webui``), and trials of a plan
(``bench.trial``) do not belong here.
"""
