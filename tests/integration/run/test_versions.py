"""One run on several versions of Kubernetes, on the real things."""

import pytest

from bench.analysis.run import analyse
from bench.cluster.binaries.pins import pins
from bench.report.versions import FEATURES
from bench.store import Store
from tests.integration.run.conftest import StartBench

FROM_CACHE = FEATURES[0]
BUILD_S = 1800.0
"""A bound for building what the cache does not have yet."""


@pytest.mark.soak
def test_each_version_that_can_be_built_measures_and_lists_come_from_where_it_keeps_them(
    start_run: StartBench,
) -> None:
    versions = [str(pin.kubernetes) for pin in pins()]
    assert len(versions) > 1
    scenarios = [
        f'[[scenarios]]\nname = "v{version}"\nkubernetes = "{version.rpartition(".")[0]}"\n'
        'route = "list-all"\nusers = 2\npods = 40\nchurn_per_s = 10\nprobe = false\n'
        for version in versions
    ]
    finished = start_run(
        ('[[scenarios]]\nname = "all"\nroute = "list-all"\n', ""),
        ("users = 2\npods = 40\nchurn_per_s = 10\n", "\n".join(scenarios)),
    )
    assert 0 == finished.wait(len(versions) * BUILD_S), finished.text
    run = Store(finished.results).open("latest")
    assert {f"v{one}": one for one in versions} == {
        record.trial.scenario: record.kubernetes for record in run.trials()
    }
    (across,) = analyse(run).versions
    assert versions == list(across.versions)
    (direct,) = [server for server in across.servers if server.server == "direct"]
    row = direct.row("lists_from_etcd")
    assert row is not None
    for version, figure in zip(versions, row.figures, strict=True):
        assert figure is not None
        assert figure.interval is not None
        expected = 0 if FROM_CACHE.is_on(version) else 1000
        assert figure.interval.value == pytest.approx(expected, abs=20), version
    assert [] == finished.left_behind()
