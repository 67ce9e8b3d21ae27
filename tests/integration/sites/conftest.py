"""One existing cluster for all tests of this folder; each test leaves it unchanged."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from bench.cli.plans import vocabulary
from bench.cluster.binaries import Binaries
from bench.cluster.control_plane import ControlPlane
from bench.cluster.existing import removal
from bench.model import Plan
from bench.plan import parse_plan
from bench.sites.existing import ExistingSite
from bench.sites.preflight import SiteRequest, open_site
from bench.supervision.watchdog import Watchdog
from tests.integration.run.bench_process import BenchProcess, changed, folders
from tests.integration.sites.foreign import CONTEXT, ForeignCluster

TINY = """\
name = "tiny"
description = "As small as a run can be, within the limits of an existing cluster."
seed = 5
servers = ["direct", "informer"]
rounds = 1
warmup_s = 0
duration_s = 1
cooldown_s = 0

[[scenarios]]
name = "namespace"
route = "one-namespace"
users = 8
rate_rps = 10
pods = 20
churn_per_s = 5
"""

StartExisting = Callable[..., BenchProcess]


@pytest.fixture(scope="package")
def foreign(
    binaries: Binaries, watchdog: Watchdog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ForeignCluster]:
    """An existing cluster, where pods need accounts, as on most clusters."""
    with ControlPlane.start(binaries, watchdog, pods_need_accounts=True) as plane:
        yield ForeignCluster(plane, tmp_path_factory.mktemp("foreign"))


@pytest.fixture(autouse=True)
def separate_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the locks of live runs out of the cache of the user who runs the tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def nobody_answers_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less for the report of a controller: none runs here, except where a test acts as one."""
    monkeypatch.setattr(removal, "NO_CONTROLLER_S", 0.3)


@pytest.fixture
def start_bench(
    tmp_path: Path, binaries: Binaries, foreign: ForeignCluster
) -> Iterator[StartExisting]:
    """Start ``python -m bench VERB`` on the cluster, with consent; kill it after the test."""
    numbers = count()
    with ExitStack() as stack:

        def start(verb: str, *arguments: str, context: str = CONTEXT) -> BenchProcess:
            options = ("--context", context, "--kubeconfig", str(foreign.kubeconfig), "--yes")
            folder = tmp_path / f"{verb}-{next(numbers)}"
            folder.mkdir()
            process = BenchProcess(folder, (verb, *arguments, *options), binaries)
            return stack.enter_context(process)

        yield start


@pytest.fixture
def start_run(start_bench: StartExisting, tmp_path: Path) -> StartExisting:
    """Start a tiny run there; ``changes`` replace text in its plan."""

    def start(
        *arguments: str, changes: tuple[tuple[str, str], ...] = (), context: str = CONTEXT
    ) -> BenchProcess:
        file = tmp_path / "tiny.toml"
        file.write_text(changed(TINY, *changes))
        return start_bench("run", str(file), *folders(tmp_path), *arguments, context=context)

    return start


@pytest.fixture
def plan() -> Plan:
    """The parsed tiny plan."""
    return parse_plan(TINY, "tiny.toml", vocabulary())


@pytest.fixture
def messages() -> list[str]:
    """Messages to the person."""
    return []


@pytest.fixture
def site(foreign: ForeignCluster, plan: Plan, tmp_path: Path, messages: list[str]) -> ExistingSite:
    """A site with consent, where nothing is made yet."""
    request = SiteRequest(CONTEXT, str(foreign.kubeconfig), namespace="informer-bench-here")
    return open_site(request, plan, agree=lambda _: True, say=messages.append)
