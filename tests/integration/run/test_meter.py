"""``bench meter`` as a person types it: two clients from a command line to a report."""

import shlex
import sys

from bench.analysis import analyse
from bench.model import CaveatKind, RunState
from bench.store import Store
from tests.integration.run.bench_process import folders

CLIENT = f"exec {shlex.quote(sys.executable)} -m bench.selftest.clients"
SMALL = [
    "--rounds",
    "1",
    "--duration",
    "3",
    "--pods",
    "30",
    "--quiet",
    "0.5",
    "--ready-within",
    "5",
]


def test_two_clients_are_billed_side_by_side(start_bench, tmp_path):
    clients = (f"watch={CLIENT} informers 1", "--against", f"poll={CLIENT} list 1")
    bench = start_bench("meter", *clients, *SMALL, *folders(tmp_path))
    bench.ends(0)
    reader = Store(bench.results).open("latest")
    assert RunState.COMPLETE is reader.record.state
    analysis = analyse(reader)
    assert () == analysis.void
    (scenario,) = analysis.scenarios
    assert ["poll", "watch", "none"] == [arm.server for arm in scenario.arms]
    poll, watch, _ = scenario.arms
    assert (0, 1) == tuple(arm.figure("watches_held").value for arm in (poll, watch))
    assert 0 == watch.figure("api_requests").value
    assert abs(poll.figure("api_requests").value - 1.0) < 0.5
    assert "watch" in {row.verb for row in watch.requests}
    assert {("list", "unset")} == {(row.verb, row.version) for row in poll.requests}
    assert all(trial.ledgers.agree for trial in analysis.trials)
    kinds = {caveat.kind for caveat in analysis.caveats}
    assert CaveatKind.ANSWERS_UNCHECKED not in kinds
    assert CaveatKind.LEDGER_MISSING not in kinds
    report = (bench.reports / analysis.run / "report.md").read_text()
    assert "| list pods | window | cluster | unset | 200 |" in report
    assert "read" not in report.partition("\n\n")[2].partition("\n")[0]


def test_a_client_that_cannot_start_ends_the_run_at_once(start_bench, tmp_path):
    bench = start_bench("meter", "./no-such-client", *SMALL, *folders(tmp_path))
    bench.ends(1)
    assert "client no-such-client ended with exit code 127 before it was ready" in bench.text
    assert "no-such-client: not found" in bench.text
