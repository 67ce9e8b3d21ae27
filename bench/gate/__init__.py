"""The gate: rules against a run, one of four outcomes, an exit code for each.

*Rules* are about one run: an arm's own value, arm against arm paired by round, a server against
the same one of another checkout (the base), or a derived figure of the analysis. Rounds of two runs
have nothing in common: those are compared (``compare``) and never judged, because a machine that
drifts between them looks like a change. A *margin* is the larger of a relative and an absolute
part: PASS needs the whole interval within it. FAIL needs it beyond the margin and beyond the noise,
the largest difference between equal servers that the control cannot rule out.

*Error budget*: a rule is judged at each look (number of rounds) of the rules file, and all looks
together are wrong in at most ``error_budget`` of cases (3%: 99% a look for three looks). The
budget is for one rule, not for the gate.
"""
