"""The gate: rules against a run, one of four outcomes, an exit code for each.

===============  ====  ==================================================================
PASS                0  every rule's whole interval lies within its margin
FAIL               10  a rule's whole interval lies beyond its margin
INCONCLUSIVE       11  neither, for some rule: more rounds would tell (``--buy``)
INVALID            12  the figures carry no judgement: wrong or stale answers, a control that
                       fired, ledgers that disagree, a run that is incomplete or exploratory,
                       a base or metric that is missing, unlike environments, too few rounds
                       for a rule ever to fire
(usage)             2  arguments, rules file or run that cannot be read
===============  ====  ==================================================================

Use ``python -m bench gate`` itself in CI: make turns every failure into its own 2.

*Rules* (``rules``) are about one run: an arm's own value, arm against arm paired by round, or a
server against the same one of another checkout (the base), which is such a pair. They may also
be about what the analysis derives: a unit cost, a break-even rate, what a further replica costs.
Rounds of two runs have nothing in common: those are compared (``compare``) by Welch's two-sample
t and never judged, for a machine that drifts between them looks like a change. A
*margin* is the largest of a relative and an absolute part and of the noise: what the run's
control, the same server measured twice in every round, leaves possible between two servers that
are the same.

*Error budget*: a rule may be looked at as often as the rules file names looks, at that
many rounds, and all looks together come out wrong in at most ``error_budget`` of cases
(3%: 99% a look for three looks). The budget is one rule's, not the gate's.

``judge`` is pure: analyses and rules in, a ``Verdict`` out. ``documents`` has the one table
that terminal, Markdown, HTML and JSON come from. No measuring, no network.
"""
