"""The words of the project as frozen dataclasses, units in the names.

Plain data only: no side effects, no third-party imports, no other module of the project.
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
