"""A run with an external server, end to end, and with one that cannot be measured.

The plan of the first requires a precision that its rounds cannot reach.
"""

import re
import shutil
import sys
from pathlib import Path

import pytest

from bench.analysis import analyse
from bench.cluster.binaries import Binaries
from bench.model import CaveatKind, Outcome, RunState
from bench.plan import Vocabulary, read_plan
from bench.store import Store
from tests.integration.run.bench_process import QUICK, TINY, BenchProcess, changed, folders
from tests.integration.run.conftest import StartBench

PROGRAM = Path(__file__).parents[1] / "sut" / "pods_server.py"


ONLY_DIRECT = ('["direct", "informer", "none"]', '["direct"]')
SURE = (
    ("rounds = 1", "rounds = 5\nprecision = 0.01\nmost_rounds = 6"),
    ("rate_rps = 10", "rate_rps = 30"),  # of too few reads no median is told
)


def arguments(folder: Path, *flaws: str, plan: str = TINY) -> tuple[str, ...]:
    file = folder / "tiny.toml"
    file.write_text(changed(plan, ONLY_DIRECT))
    command = f"{sys.executable} {PROGRAM} {' '.join(flaws)}"
    return ("run", str(file), "--server", f"theirs={command}", *folders(folder))


@pytest.fixture(scope="module")
def died(tmp_path_factory: pytest.TempPathFactory, binaries: Binaries) -> BenchProcess:
    """A run whose server died before it was ready."""
    folder = tmp_path_factory.mktemp("died")
    bench = BenchProcess(folder, arguments(folder, "dies"), binaries)
    bench.ends(1)
    return bench


@pytest.fixture(scope="module")
def bought(tmp_path_factory: pytest.TempPathFactory, binaries: Binaries) -> BenchProcess:
    """A complete run with bought rounds, and a copy of its provisional page."""
    folder = tmp_path_factory.mktemp("bought")
    words = arguments(folder, plan=changed(TINY, *SURE, *QUICK))
    with BenchProcess(folder, words, binaries) as bench:
        bench.wait_for("Provisional, after 1 of 5 rounds")
        (page,) = bench.reports.glob("*-tiny/index.html")
        shutil.copy(page, folder / "provisional.html")
        bench.ends(0)
    return bench


def test_an_external_server_has_two_ledgers_and_a_caveat(bought: BenchProcess) -> None:
    reader = Store(bought.results).open("latest")
    assert RunState.COMPLETE is reader.record.state
    for record in (trial for trial in reader.trials() if trial.trial.server == "theirs"):
        assert (Outcome.OK, True, "external") == (
            record.outcome,
            record.equal_to_list,
            record.identity,
        )
        audit = reader.audit(record.trial)
        lists = audit[audit.user.str.endswith(":external") & (audit.verb == "list")]
        assert record.sent == len(lists) > 0
        assert record.server_cpu_s
    analysis = analyse(reader)
    lines = [line for line in analysis.trials if line.server == "theirs"]
    assert [(None, True)] * 6 == [(line.ledgers.client, line.ledgers.agree) for line in lines]
    caveats = {(caveat.kind, caveat.server) for caveat in analysis.caveats}
    assert (CaveatKind.LEDGER_MISSING, "theirs") in caveats
    assert (CaveatKind.VERSION_MISSING, "theirs") in caveats
    assert (CaveatKind.LEDGER_MISSING, "direct") not in caveats
    # a rate may be void by these on a machine that is busy with other tests
    busy = {CaveatKind.MACHINE_SATURATED, CaveatKind.GENERATOR_LATE}
    assert {caveat.kind for caveat in analysis.void} <= busy


def test_rounds_are_bought_up_to_the_most_and_a_provisional_page_comes_before(
    bought: BenchProcess,
) -> None:
    (page,) = bought.reports.glob("*-tiny/index.html")
    assert f"Provisional, after 1 of 5 rounds: {page}" in bought.text
    assert re.search(r"(about \d+ min|less than a minute) left", bought.text)
    assert "  theirs: " in bought.text
    provisional = (bought.folder / "provisional.html").read_text()
    assert "Provisional: made before the run ended" in provisional
    assert "after 5 rounds, not 1.0%: extending to 6 rounds" in bought.text
    assert "The plan's limit of 6 rounds was reached" in " ".join(bought.text.split())
    run = Store(bought.results).open("latest")
    assert (RunState.COMPLETE, 6, 12, ()) == (
        run.record.state,
        run.record.plan.rounds,
        len(run.trials()),
        run.record.resumptions,
    )
    assert {Outcome.OK} == {record.outcome for record in run.trials()}
    assert "Provisional" not in page.read_text()
    assert not re.search(r"\bnan\b", page.read_text(), re.IGNORECASE)


def test_the_stored_plan_can_be_run_again(died: BenchProcess) -> None:
    (plan,) = died.results.glob("*/plan.toml")
    vocabulary = Vocabulary(servers=("direct",), routes=("list-all",))
    assert Store(died.results).open(plan.parent.name).record.plan == read_plan(
        str(plan), vocabulary
    )


def test_a_server_that_dies_ends_the_run_at_once_with_its_log(died: BenchProcess) -> None:
    assert "server theirs ended with exit code 1 before it was ready" in died.text.replace(
        "\n", " "
    )
    assert "out of luck" in died.text


def test_a_server_that_loses_a_pod_and_one_that_answers_only_errors_void_the_run(
    start_bench: StartBench, tmp_path: Path
) -> None:
    errs = f"errs={sys.executable} {PROGRAM} errs"
    bench = start_bench(*arguments(tmp_path, "loses-a-pod", "names-versions"), "--server", errs)
    bench.ends(1)
    assert "ANSWERS DIFFER for /pods" in bench.text
    reader = Store(bench.results).open("latest")
    assert RunState.COMPLETE is reader.record.state
    assert CaveatKind.ANSWERS_DIFFER in {caveat.kind for caveat in analyse(reader).void}
    (record,) = [trial for trial in reader.trials() if trial.trial.server == "errs"]
    assert (0, False) == (record.answered, record.equal_to_list)
    assert record.failed == len(reader.requests(record.trial)) > 0
    (text,) = [note.text for note in record.caveats if note.kind is CaveatKind.FAILED_REQUESTS]
    assert "status 500" in text
    (page,) = bench.reports.glob("*-tiny/index.html")
    assert not re.search(r"\bnan\b", page.read_text(), re.IGNORECASE)
