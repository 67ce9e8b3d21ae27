"""A run: from its plan to its last trial.

Duty: create a run (``create``) or resume one (``resume``), keep a cluster that fits the next
trial (``cluster_pool``), run the trials and write each at once (``loop``), and report on the
run between its rounds (``interim``).

What does not belong here: the steps of one trial (``bench.trial``), and any figure computed from
results (``bench.analysis``).
"""
