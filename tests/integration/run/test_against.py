"""A run with the servers of another checkout, end to end, and one whose checkout is gone."""

import shutil
import sys
from pathlib import Path

import pytest

from bench.cluster.binaries import Binaries
from bench.model import Outcome, RunState
from bench.store import Store
from tests.integration.run.bench_process import ROOT, TINY, BenchProcess, folders


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another checkout of this project."""
    folder = tmp_path_factory.mktemp("other") / "base"
    for part in ("servers", "informer/src"):
        shutil.copytree(ROOT / part, folder / part)
    return folder


@pytest.fixture(scope="module")
def measured(
    tmp_path_factory: pytest.TempPathFactory, base: Path, binaries: Binaries
) -> BenchProcess:
    """A run of ``direct`` of this checkout and of the other."""
    folder = tmp_path_factory.mktemp("against")
    (folder / "tiny.toml").write_text(TINY.replace('["direct", "informer", "none"]', '["direct"]'))
    given = ("--against", str(base), "--against-python", sys.executable)
    bench = BenchProcess(folder, ("run", f"{folder}/tiny.toml", *given, *folders(folder)), binaries)
    bench.ends(0)
    return bench


def test_both_are_measured_in_one_run_and_answer_alike(measured: BenchProcess) -> None:
    reader = Store(measured.results).open("latest")
    assert RunState.COMPLETE is reader.record.state
    arms = {trial.trial.server: (trial.outcome, trial.identity) for trial in reader.trials()}
    assert {"direct": (Outcome.OK, "direct"), "direct@base": (Outcome.OK, "direct")} == arms
    assert reader.equality is not None
    assert (("direct", "direct@base"), True) == (reader.equality.servers, reader.equality.equal)


def test_the_report_compares_them(measured: BenchProcess) -> None:
    (page,) = measured.reports.glob("*-tiny/report.md")
    assert "This checkout against the base" in page.read_text()


def test_a_run_whose_base_has_gone_is_not_resumed(
    measured: BenchProcess, base: Path, tmp_path: Path, binaries: Binaries
) -> None:
    base.rename(base.with_name("elsewhere"))
    results = ("--results", str(measured.results), "--reports", str(measured.reports))
    with BenchProcess(tmp_path, ("run", "--resume", "--rounds", "2", *results), binaries) as again:
        assert 2 == again.wait()
    assert f"--against {base}: no such folder" in again.text
    assert 1 == Store(measured.results).open("latest").record.plan.rounds
