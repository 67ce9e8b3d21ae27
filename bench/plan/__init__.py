"""Plans: from a TOML file to a validated plan, and from a plan to its interleaved trials.

The project's own plans are in ``bench.plans``. What does not belong here: running a plan.
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
from bench.plan.schedule import longest, predicted_minutes, predicted_s, trials

__all__ = [
    "PlanError",
    "Vocabulary",
    "longest",
    "on_kubernetes",
    "parse_plan",
    "plan_names",
    "plan_source",
    "predicted_minutes",
    "predicted_s",
    "read_plan",
    "trials",
]
