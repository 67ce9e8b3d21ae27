"""Sites: the control planes of a run, and the checks before a run writes to one.

Duty: a local control plane or an existing cluster under one protocol (``provider``,
``existing``), one site per Kubernetes version (``versions``), the provenance of a run, the
limits of a plan on a shared cluster, the checks and the consent before the first write
(``preflight``), and the removal of leftovers of dead runs (``cleanup``).

What does not belong here: making control planes, namespaces and accounts
(``bench.cluster``), and the run itself (``bench.run``).
"""
