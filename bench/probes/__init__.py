"""Probes: collect data on the control plane, the processes and the clients during a trial.

Duty: metrics, audit log, process table, and the observers that ask the API server beside the
load (bystander, freshness probe). Probes collect and select data.

What does not belong here: a conclusion. Figures are computed by ``bench.analysis``.
"""
