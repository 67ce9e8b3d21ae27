"""A run with a server of somebody else, end to end, and with one that cannot be measured."""

import re
import sys
from pathlib import Path

import pytest

from bench.analysis import analyse
from bench.cluster.binaries import Binaries
from bench.model import CaveatKind, Outcome, RunState
from bench.plan import Vocabulary, read_plan
from bench.store import Store
from tests.integration.run.bench_process import TINY, BenchProcess, folders
from tests.integration.run.conftest import StartBench

PROGRAM = Path(__file__).parents[1] / "sut" / "pods_server.py"


def arguments(folder: Path, *flaws: str) -> tuple[str, ...]:
    plan = folder / "tiny.toml"
    plan.write_text(TINY.replace('["direct", "informer", "none"]', '["direct"]'))
    command = f"{sys.executable} {PROGRAM} {' '.join(flaws)}"
    return ("run", str(plan), "--server", f"theirs={command}", *folders(folder))


@pytest.fixture(scope="module")
def died(tmp_path_factory: pytest.TempPathFactory, binaries: Binaries) -> BenchProcess:
    """A run whose server died before it was ready."""
    folder = tmp_path_factory.mktemp("died")
    bench = BenchProcess(folder, arguments(folder, "dies"), binaries)
    bench.ends(1)
    return bench


def test_it_is_measured_with_two_ledgers_which_is_said(
    start_bench: StartBench, tmp_path: Path
) -> None:
    bench = start_bench(*arguments(tmp_path))
    bench.ends(0)
    reader = Store(bench.results).open("latest")
    assert RunState.COMPLETE is reader.record.state
    (record,) = [each for each in reader.trials() if each.trial.server == "theirs"]
    assert (Outcome.OK, True, "external") == (
        record.outcome,
        record.equal_to_list,
        record.identity,
    )
    audit = reader.audit(record.trial)
    own = audit[audit.user.str.endswith(":external") & (audit.verb == "list")]
    assert record.sent == len(own) > 0
    assert record.server_cpu_s
    analysis = analyse(reader)
    (line,) = [line for line in analysis.trials if line.server == "theirs"]
    assert line.ledgers is not None
    assert (None, True) == (line.ledgers.client, line.ledgers.agree)
    said = {(caveat.kind, caveat.server) for caveat in analysis.caveats}
    assert (CaveatKind.LEDGER_MISSING, "theirs") in said
    assert (CaveatKind.VERSION_MISSING, "theirs") in said
    assert (CaveatKind.LEDGER_MISSING, "direct") not in said
    assert () == analysis.void


def test_the_plan_that_is_kept_can_be_run_again(died: BenchProcess) -> None:
    (kept,) = died.results.glob("*/plan.toml")
    vocabulary = Vocabulary(servers=("direct",), routes=("list-all",))
    assert Store(died.results).open(kept.parent.name).record.plan == read_plan(
        str(kept), vocabulary
    )


def test_one_that_dies_ends_the_run_at_once_with_its_log(died: BenchProcess) -> None:
    assert "server theirs ended with exit code 1 before it was ready" in died.text.replace(
        "\n", " "
    )
    assert "out of luck" in died.text


def test_one_that_loses_a_pod_and_one_that_answers_errors_only_void_the_run(
    start_bench: StartBench, tmp_path: Path
) -> None:
    errs = f"errs={sys.executable} {PROGRAM} errs"
    bench = start_bench(*arguments(tmp_path, "loses-a-pod", "names-versions"), "--server", errs)
    bench.ends(1)
    assert "ANSWERS DIFFER for /pods" in bench.text
    reader = Store(bench.results).open("latest")
    assert RunState.COMPLETE is reader.record.state
    assert CaveatKind.ANSWERS_DIFFER in {caveat.kind for caveat in analyse(reader).void}
    (record,) = [each for each in reader.trials() if each.trial.server == "errs"]
    assert (0, False) == (record.answered, record.equal_to_list)
    assert record.failed == len(reader.requests(record.trial)) > 0
    (text,) = [one.text for one in record.caveats if one.kind is CaveatKind.FAILED_REQUESTS]
    assert "status 500" in text
    (page,) = bench.reports.glob("*-tiny/index.html")
    assert not re.search(r"\bnan\b", page.read_text(), re.IGNORECASE)
