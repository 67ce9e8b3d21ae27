"""The words of the project as frozen dataclasses, units in the names.

Plain data only: no effects, no third-party imports, nothing else of the
project. Reading and writing these is the store's duty; computing with them is
the analysis's. ``plan`` says what is to be measured and what there is to ask for; ``run`` and
``trial`` are what a results folder holds of it; ``caveat`` is what any of it is to be read with.
"""

from bench.model.caveat import Caveat, CaveatKind
from bench.model.plan import (
    AGAIN,
    BASE,
    NO_SERVER,
    PROBE_NAME,
    Arrivals,
    Base,
    Client,
    Cpus,
    External,
    Objects,
    Plan,
    Scenario,
    Targets,
    Trial,
)
from bench.model.run import (
    SCHEMA,
    Answer,
    Environment,
    EqualityRecord,
    LoadWorkers,
    Resumption,
    RunRecord,
    RunState,
)
from bench.model.trial import AnswerCheck, FaultRecord, LoadWorker, MachineUse, Outcome, TrialRecord

__all__ = [
    "AGAIN",
    "BASE",
    "NO_SERVER",
    "PROBE_NAME",
    "SCHEMA",
    "Answer",
    "AnswerCheck",
    "Arrivals",
    "Base",
    "Caveat",
    "CaveatKind",
    "Client",
    "Cpus",
    "Environment",
    "EqualityRecord",
    "External",
    "FaultRecord",
    "LoadWorker",
    "LoadWorkers",
    "MachineUse",
    "Objects",
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
