"""Interactive use: a populated cluster with both servers for a person to explore.

Duty: ``python -m bench up`` (``up``) and ``python -m bench ui`` (``ui``). For the latter: the
environment that is started, its live metrics, and the tests that a person starts, each kept as
a trial of a results folder (``manual_trial``). The page asks over a Unix socket (``service``).

What does not belong here: Locust, which runs in processes of its own (``bench.load.webui``),
and trials of a plan (``bench.trial``).
"""
