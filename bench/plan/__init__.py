"""Plans: from a TOML file to a validated plan, and from a plan to its interleaved trials.

Duty: read a plan (``reading``, by the ``keys`` it may have), refuse one that does not hold
together (``checks``), and put its trials in order (``schedule``). ``toml_schema`` checks any TOML
file of a person against its keys, the gate's rules too. The plans that come with the project are
in ``bench.plans``.

What does not belong here: running anything.
"""

from bench.plan.keys import Vocabulary
from bench.plan.reading import (
    PlanError,
    on_kubernetes,
    parse_plan,
    plan_names,
    plan_source,
    read_plan,
)
from bench.plan.schedule import predicted_s, trials

__all__ = [
    "PlanError",
    "Vocabulary",
    "on_kubernetes",
    "parse_plan",
    "plan_names",
    "plan_source",
    "predicted_s",
    "read_plan",
    "trials",
]
