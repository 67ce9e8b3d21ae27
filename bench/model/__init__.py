"""The words of the project as frozen dataclasses, units in the names.

Plain data only: no effects, no third-party imports, nothing else of the
project. Reading and writing these is the store's duty; computing with them is
the analysis's. ``plan`` says what is to be measured; ``run``, ``trial`` and ``equality``
are what a results folder holds of it, each the file of its name; ``caveat`` is what any of it
is to be read with, ``targets`` what there is to ask for.
"""

from bench.model.caveat import Caveat, CaveatKind
from bench.model.equality import Answer, EqualityRecord
from bench.model.plan import AGAIN, NO_SERVER, Arrivals, External, Plan, Scenario, Trial
from bench.model.run import SCHEMA, Environment, LoadWorkers, Resumption, RunRecord, RunState
from bench.model.targets import PROBE_NAME, Targets
from bench.model.trial import FaultRecord, LoadWorker, Outcome, TrialRecord

__all__ = [
    "AGAIN",
    "NO_SERVER",
    "PROBE_NAME",
    "SCHEMA",
    "Answer",
    "Arrivals",
    "Caveat",
    "CaveatKind",
    "Environment",
    "EqualityRecord",
    "External",
    "FaultRecord",
    "LoadWorker",
    "LoadWorkers",
    "Outcome",
    "Plan",
    "Resumption",
    "RunRecord",
    "RunState",
    "Scenario",
    "Targets",
    "Trial",
    "TrialRecord",
]
