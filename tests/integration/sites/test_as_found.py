"""A run on an existing cluster, however it ends, leaves every object there unchanged."""

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from bench.cluster.existing.access import open_access
from bench.cluster.existing.namespace import OwnNamespace, read, take
from bench.cluster.existing.removal import End, remove
from bench.cluster.existing.rights import (
    FINALIZE,
    GRANTED_S,
    NAMESPACE_ROLE,
    RBAC,
    Right,
    missing,
    needed,
)
from bench.model import CaveatKind, RunState
from bench.sites.cleanup import find
from bench.store import Store
from bench.supervision.waiting import wait_until
from tests.integration.run.bench_process import folders
from tests.integration.sites.conftest import TINY, StartExisting
from tests.integration.sites.foreign import (
    CONTEXT,
    HANDED_OVER,
    ForeignCluster,
    everywhere,
)

LONG_WINDOW = ("duration_s = 1", "duration_s = 60")
SPAN_S = 20.0
"""From the making of the namespace into the first trial's window, on a busy machine."""
FEWER = TINY[TINY.index("[[scenarios]]") :].replace('"namespace"', '"fewer"')
TWO_POD_COUNTS = ("churn_per_s = 5\n", f"churn_per_s = 5\n\n{FEWER.replace('20', '10')}")
"""Trials on 20 pods and on 10: the run makes, or claims, a namespace twice."""
ONE_SERVER = ('["direct", "informer"]', '["informer"]')
OWN = "informer-bench-mine"
ENDING_S = 2.0
"""Approximate duration of the namespace's removal."""
SOON = (1, 6)
"""Early kills: one outright, and one while the run cleans up after Ctrl-C."""


def test_an_account_with_the_documented_rights_alone_runs_a_plan_through_and_names_nothing_of_it(
    foreign: ForeignCluster, start_bench: StartExisting, start_run: StartExisting, tmp_path: Path
) -> None:
    """It makes a namespace for each pod count, and resumes after an interruption.

    While it is alive, nothing of it is cleaned.
    """
    before = foreign.objects()
    audit_log = ("--audit-log", str(foreign.plane.audit_log))
    bench = start_run(*audit_log, "--namespace", OWN, changes=(TWO_POD_COUNTS,))
    bench.wait_for("comparing the servers' answers")
    cleaner = start_bench("clean", "--unexpired")
    assert 0 == cleaner.wait(), cleaner.text
    assert "its run is alive on this machine" in cleaner.text
    assert [True] == [True for name in foreign.namespaces() if name.startswith(OWN)]
    bench.wait_for("[4/4] fewer,")
    bench.signal(signal.SIGINT)
    bench.ends(130)
    assert before == foreign.objects()
    assert f"the namespace {OWN}, with all that was in it, is removed" in bench.text
    assert f"the namespace {OWN}-2, with all that was in it, is removed" in bench.text
    done = Store(tmp_path / "results").open("latest").trials()
    resumed = start_bench("run", "--resume", *audit_log, *folders(tmp_path))
    resumed.ends(0)
    assert before == foreign.objects()
    assert f"context {CONTEXT!r}, API server {foreign.plane.url}" in bench.text

    reader = Store(tmp_path / "results").open("latest")
    assert RunState.COMPLETE is reader.record.state
    assert reader.record.environment.existing
    assert reader.equality is not None
    assert reader.equality.equal
    kinds = [caveat.kind for caveat in reader.record.caveats]
    assert [CaveatKind.EXISTING_CLUSTER] == kinds
    assert (4, done) == (len(reader.trials()), reader.trials()[:3])
    assert [(1, ())] == [(entry.trials, entry.unlike) for entry in reader.record.resumptions]
    for record in reader.trials():
        assert (None, True, True) == (record.failure, record.shared, record.equal_to_list)
        assert (None, None) == (record.apiserver_cpu_s, record.etcd_cpu_s)
        users = set(reader.audit(record.trial)["user"])
        assert users
        assert all(user.startswith("system:serviceaccount:informer-bench-") for user in users)
        scrapes = reader.scrapes(record.trial)
        assert "process_cpu_seconds_total" in set(scrapes["name"])
        assert not scrapes["labels"].str.contains("leases").any()

    text = page_of(tmp_path)
    assert "not this project&#39;s own" in text
    assert "in a namespace that only this run uses" in text
    assert "two counts of requests are equal in each of the 4" in text

    private = (CONTEXT, foreign.plane.url.rpartition("/")[2], "people:guest", "127.0.0.1")
    for path in (path for path in tmp_path.glob("re*/**/*") if path.is_file()):
        is_table = path.suffix == ".parquet"
        content = pd.read_parquet(path).to_csv().encode() if is_table else path.read_bytes()
        assert [] == [word for word in private if word.encode() in content], path


def test_in_a_namespace_that_is_handed_over_a_run_needs_rights_there_alone_and_leaves_it(
    foreign: ForeignCluster, start_run: StartExisting, tmp_path: Path
) -> None:
    before = foreign.objects()
    bench = start_run(
        "--namespace", HANDED_OVER, context="tenant", changes=(ONE_SERVER, TWO_POD_COUNTS)
    )
    assert 0 == bench.wait(), bench.text
    assert before == foreign.objects()
    message = f"what this project made in the namespace {HANDED_OVER} is removed"
    assert 2 == bench.text.count(message), bench.text
    assert "without  " not in bench.text.replace("without  namespaces/finalize", "")
    reader = Store(tmp_path / "results").open("latest")
    assert [(None, True)] * 2 == [(trial.failure, trial.equal_to_list) for trial in reader.trials()]


def test_a_namespace_that_is_handed_over_is_one_runs_at_a_time_and_can_be_cleaned_after_a_kill(
    foreign: ForeignCluster, start_bench: StartExisting, start_run: StartExisting
) -> None:
    before = foreign.objects()
    option = ("--namespace", HANDED_OVER)
    bench = start_run(*option, context="tenant", changes=(ONE_SERVER, LONG_WINDOW))
    bench.wait_for("comparing the servers' answers")
    second = start_run(*option, context="tenant", changes=(LONG_WINDOW,))
    assert 1 == second.wait(), second.text
    assert f"bench clean --context NAME --namespace {HANDED_OVER}" in second.text
    cleaner = start_bench("clean", *option, context="tenant")
    assert 0 == cleaner.wait(), cleaner.text
    assert "its run is alive on this machine" in cleaner.text
    bench.process.kill()
    bench.wait()
    bench.wait_until_nothing_is_left()
    cleaner = start_bench("clean", *option, context="tenant")
    assert 0 == cleaner.wait(), cleaner.text
    assert before == foreign.objects(), cleaner.text


@pytest.mark.parametrize("name", ["guest", "tenant"])
def test_outside_its_namespace_an_account_with_the_documented_rights_has_none_in_a_namespace(
    foreign: ForeignCluster, name: str
) -> None:
    api = open_access(str(foreign.kubeconfig), name).api
    inside = needed(NAMESPACE_ROLE)
    allowed = set(inside) - set(missing(api, "shop", inside))
    cluster_wide = {
        "guest": {
            Right("get", "namespaces"),
            Right("create", "rolebindings", RBAC),
        },
        "tenant": set(),
    }
    assert cluster_wide[name] == allowed


def page_of(folder: Path) -> str:
    (page,) = (folder / "reports").glob("*-tiny/index.html")
    return page.read_text()


def test_without_the_optional_rights_unreadable_figures_are_missing_and_not_0(
    foreign: ForeignCluster,
    start_bench: StartExisting,
    start_run: StartExisting,
    tmp_path: Path,
) -> None:
    before = foreign.objects()
    bench = start_run(context="frugal", changes=(ONE_SERVER,))
    assert 0 == bench.wait(), bench.text
    for right in ("pods/status", "/metrics", "namespaces/finalize"):
        assert f"without  {right}:" in bench.text
    # no controller runs here and this account may not finalize: it is empty and stays
    (stayed,) = foreign.namespaces() - {name.strip("/") for _, name in _keys(before, "namespaces")}
    assert f"the namespace {stayed} is empty" in bench.text
    cleaner = start_bench("clean")
    assert 0 == cleaner.wait(), cleaner.text
    assert f"{stayed}: another user made it" in cleaner.text
    with finalizing(foreign, "frugal"):
        cleaner = start_bench("clean", context="frugal")
        assert 0 == cleaner.wait(), cleaner.text
        assert f"the namespace {stayed}, with all that was in it, is removed" in cleaner.text
    assert before == foreign.objects()

    reader = Store(tmp_path / "results").open("latest")
    (record,) = reader.trials()
    scrapes = reader.scrapes(record.trial)
    assert {"server"} == set(scrapes["source"])
    assert record.apiserver_cpu_s is None
    assert not reader.has(record.trial, "audit")
    (text,) = [caveat.text for caveat in reader.record.caveats]
    assert "no metrics of the API server" in text
    assert "what the freshness probe read through it is in it" in text
    page = page_of(tmp_path)
    assert "requests come from each server&#39;s own count: somebody else" in page
    assert "One server" in page


@contextmanager
def finalizing(foreign: ForeignCluster, name: str) -> Iterator[None]:
    """Let one of the people finalize namespaces inside the block."""
    right = Right("update", FINALIZE)
    rules = [{"apiGroups": [""], "resources": [FINALIZE], "verbs": ["update"]}]
    created = foreign.apply(everywhere(name, rules, "finalizing"))
    try:
        api = open_access(str(foreign.kubeconfig), name).api
        assert wait_until(lambda: not missing(api, "", [right]), GRANTED_S, 0.1)
        yield
    finally:
        for path in created:
            foreign.admin.delete(path)


@pytest.mark.parametrize("kill", SOON)
def test_after_a_kill_at_a_random_moment_clean_leaves_the_cluster_as_it_was(
    foreign: ForeignCluster, start_bench: StartExisting, start_run: StartExisting, kill: int
) -> None:
    _kill_and_clean(foreign, start_bench, start_run, kill)


@pytest.mark.soak
@pytest.mark.parametrize("kill", sorted({*range(1, 24)} - {*SOON}))
def test_after_each_of_many_kills_at_random_moments_clean_leaves_the_cluster_as_it_was(
    foreign: ForeignCluster, start_bench: StartExisting, start_run: StartExisting, kill: int
) -> None:
    _kill_and_clean(foreign, start_bench, start_run, kill)


def _kill_and_clean(
    foreign: ForeignCluster, start_bench: StartExisting, start_run: StartExisting, kill: int
) -> None:
    draw = random.Random(f"kill/{kill}")
    before = foreign.objects()
    bench = start_run(changes=(LONG_WINDOW,))
    bench.wait_for("making a namespace of our own")
    time.sleep(draw.uniform(0, SPAN_S))
    if kill % 3 == 0:  # while it cleans up by itself
        bench.signal(signal.SIGINT)
        time.sleep(draw.uniform(0, ENDING_S))
    bench.process.kill()
    assert bench.wait() in ((-signal.SIGKILL, 130) if kill % 3 == 0 else (-signal.SIGKILL,))
    cleaner = start_bench("clean")
    assert 0 == cleaner.wait(), cleaner.text
    assert before == foreign.objects(), bench.text + cleaner.text
    bench.wait_until_nothing_is_left()
    assert before == foreign.objects()


def test_a_namespace_of_another_machine_is_kept_until_it_has_expired(
    foreign: ForeignCluster,
) -> None:
    before = foreign.objects()
    now = int(time.time())
    names = {"informer-bench-a1": now + 600, "informer-bench-b2": now - 1}
    namespaces = [
        take(foreign.admin, name, run=f"{name}-elsewhere", expires_epoch_s=expires)
        for name, expires in names.items()
    ]
    try:
        removable = {
            item.namespace.name: item.removable for item in find(foreign.admin, unexpired=False)
        }
        assert {"informer-bench-a1": False, "informer-bench-b2": True} == removable
        assert all(item.removable for item in find(foreign.admin, unexpired=True))
    finally:
        for namespace in namespaces:
            _remove(foreign, namespace)
    assert before == foreign.objects()


def test_a_namespace_that_bears_our_labels_without_our_mark_is_never_removed(
    foreign: ForeignCluster,
) -> None:
    before = foreign.objects()
    expired = int(time.time()) - 1
    ours = take(foreign.admin, "informer-bench-c3", run="c3", expires_epoch_s=expired, owner="ann")
    metadata = foreign.admin.get(ours.path)["metadata"]
    copied = {key: metadata[key] for key in ("labels", "annotations")}
    foreign.admin.post("/api/v1/namespaces", {"metadata": {"name": "copied", **copied}})
    copy = read(foreign.admin, "copied")
    assert copy is not None
    try:
        leftovers = find(foreign.admin, unexpired=True, user="ann")
        assert {"informer-bench-c3": True, "copied": False} == {
            item.namespace.name: item.removable for item in leftovers
        }
        assert not any(item.removable for item in find(foreign.admin, unexpired=True, user="bob"))
    finally:
        for namespace in (ours, copy):
            _remove(foreign, namespace)
    assert before == foreign.objects()


def _remove(foreign: ForeignCluster, namespace: OwnNamespace) -> None:
    assert End.GONE is remove(foreign.admin, namespace)


def _keys(objects, kind: str):
    return [key for key in objects if key[0] == f"/api/v1/{kind}"]
