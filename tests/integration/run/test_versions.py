"""One run on several versions of Kubernetes, on real clusters."""

from pathlib import Path

import pytest

from bench.analysis import analyse
from bench.cluster.binaries.pins import pins
from bench.report.prose import FEATURES
from bench.store import Store
from tests.integration.run.bench_process import TINY, BenchProcess, folders

FROM_CACHE = FEATURES[0]
BUILD_S = 1800.0
"""A bound for building what the cache does not have yet."""


@pytest.mark.soak
def test_each_version_that_can_be_built_is_measured_and_those_serve_lists_from_cache_that_can(
    tmp_path: Path,
) -> None:
    versions = [str(pin.kubernetes) for pin in pins()]
    assert len(versions) > 1
    scenarios = [
        f'[[scenarios]]\nname = "{_name(version)}"\nkubernetes = "{version.rpartition(".")[0]}"\n'
        'route = "list-all"\nusers = 8\nrate_rps = 10\npods = 40\nchurn_per_s = 10\nprobe = false\n'
        for version in versions
    ]
    plan = tmp_path / "versions.toml"
    plan.write_text(TINY.partition("[[scenarios]]")[0] + "\n".join(scenarios))
    with BenchProcess(tmp_path, ("run", str(plan), *folders(tmp_path)), None) as finished:
        finished.ends(0, len(versions) * BUILD_S)
    run = Store(finished.results).open("latest")
    assert {_name(version): version for version in versions} == {
        record.trial.scenario: record.kubernetes for record in run.trials()
    }
    (across,) = analyse(run).versions
    assert versions == list(across.versions)
    lists = across.figure("direct", "lists_from_cache")
    assert lists is not None
    for version in versions:
        expected = 1000 if FROM_CACHE.is_on(version) else 0
        assert lists.values[version] == pytest.approx(expected, abs=20), version


def _name(version: str) -> str:
    return f"on-{version.replace('.', '-')}"
