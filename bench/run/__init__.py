"""A run: from its plan to its last trial.

Duty: create a run (``create``) or resume one (``resume``), keep a cluster that fits the next
trial (``cluster_pool``), run the trials, each written at once (``loop``), and show between rounds
what there is so far (``interim``).

What does not belong here: what one trial does (``bench.trial``), and any figure computed from
results (``bench.analysis``).
"""
