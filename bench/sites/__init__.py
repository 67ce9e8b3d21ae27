"""Sites: where a run takes place, and what is checked before anything is made there.

Duty: a local control plane or somebody's cluster under one protocol (``provider``,
``existing``), one site per Kubernetes version (``versions``), the provenance of a run, the
limits of a plan on a shared cluster, the checks and the consent before the first write
(``preflight``), and the removal of what dead runs left (``cleanup``).

What does not belong here: how control planes, namespaces and accounts are made
(``bench.cluster``), and the run itself (``bench.run``).
"""
