"""One trial, with what its tables say: what every metric is computed from."""

from dataclasses import dataclass

import pandas as pd

from bench.analysis.counters import Marks
from bench.analysis.freshness import Freshness, of_rows
from bench.analysis.latency import Latencies, from_intended, from_send
from bench.analysis.ledgers import Ledgers, read_ledgers
from bench.model import TrialRecord
from bench.store import RunReader


@dataclass(frozen=True, slots=True)
class Facts:
    """One trial, with what its tables say. ``None``: the table was not recorded."""

    record: TrialRecord
    ledgers: Ledgers
    marks: Marks | None
    felt: Latencies
    """From the intended start."""
    service: Latencies
    """From the actual send, answered requests only."""
    routes: pd.Series
    """Answered requests by route."""
    freshness: Freshness | None = None
    """Of the server under test; ``None`` also where there is none."""
    bystander: Latencies | None = None
    """Of the client that asks the API server itself, from the intended start."""

    @property
    def reads(self) -> int:
        """Requests of the load that were answered well."""
        return len(self.felt.answered_ms)

    @property
    def restarted(self) -> bool:
        """Whether the API server began anew between the marks: its counters then say nothing."""
        return self.marks is not None and (
            self.marks.restarted("apiserver") or self.ledgers.metric_reset
        )


def read_facts(reader: RunReader, record: TrialRecord) -> Facts:
    """Read one trial's tables; raises ``StoreError`` when one is damaged."""
    trial = record.trial
    marks = Marks(reader.scrapes(trial)) if reader.has(trial, "scrapes") else None
    audit = reader.audit(trial) if reader.has(trial, "audit") else None
    freshness = reader.freshness(trial) if reader.has(trial, "freshness") else None
    bystander = reader.bystander(trial) if reader.has(trial, "bystander") else None
    requests = reader.requests(trial)
    return Facts(
        record=record,
        ledgers=read_ledgers(record, audit, marks, freshness=freshness, bystander=bystander),
        marks=marks,
        felt=from_intended(requests, record.request_timeout_s),
        service=from_send(requests),
        routes=requests.loc[requests["outcome"] == "ok", "route"].value_counts(),
        freshness=None if freshness is None else of_rows(freshness),
        bystander=None if bystander is None else from_intended(bystander, None),
    )
