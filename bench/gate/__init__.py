"""The gate: rules against a run, one of four outcomes, an exit code for each.

*Rules* are about one run: an arm's own value, arm against arm paired by round, a server against
the same one of another checkout (the base), or what the analysis derives. Rounds of two runs have
nothing in common: those are compared (``compare``) and never judged, for a machine that drifts
between them looks like a change. A *margin* is the largest of a relative and an absolute part and
of the noise: what the run's control leaves possible between two servers that are the same.

*Error budget*: a rule may be looked at as often as the rules file names looks, at that many
rounds, and all looks together come out wrong in at most ``error_budget`` of cases (3%: 99% a look
for three looks). The budget is one rule's, not the gate's.
"""
