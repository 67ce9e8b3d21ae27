"""The measurer: cluster, load, probes, store, analysis and report.

It starts the servers under test as processes and never imports them. What the
servers do belongs in ``servers``.
"""
