"""A run whose cluster fails ends early, with a reason and without a traceback."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.cli.exits import expected
from bench.model import RunState
from bench.plan import trials
from bench.run.cluster_pool import ClusterPool
from bench.run.loop import Run, RunEndedEarlyError
from bench.store import Store
from bench.supervision.progress import Progress
from bench.supervision.rpc import RpcTimeoutError
from tests.unit.store.builders import a_run


def test_a_process_that_falls_silent_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall_silent(*_: object) -> None:
        raise RpcTimeoutError("churn writer said nothing for 30 s")

    monkeypatch.setattr(ClusterPool, "cluster_for", fall_silent)
    record = a_run()
    run = Run(
        record,
        trials(record.plan),
        {},
        sites=SimpleNamespace(introduction="", private_words=()),
        writer=Store(tmp_path).create(record),
        progress=Progress(quiet=True),
    )
    with pytest.raises(RunEndedEarlyError, match="churn writer said nothing"):
        run.execute()
    assert RunState.INCOMPLETE is run.record.state


def test_a_process_that_falls_silent_is_reported_in_one_line() -> None:
    assert RpcTimeoutError in expected()
