"""Our namespace during a run, and its removal under conditions that differ among clusters."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cluster.api import ApiError
from bench.cluster.control_plane import ControlPlane
from bench.cluster.existing import plane as existing_plane
from bench.cluster.existing import removal
from bench.cluster.existing.access import Access, open_access
from bench.cluster.existing.errors import ClusterError
from bench.cluster.existing.namespace import OwnNamespace, read, take
from bench.cluster.existing.plane import ExistingPlane
from bench.cluster.existing.removal import End, remove
from bench.cluster.existing.rights import GRANTED_S, OWN_BINDING, Right, missing
from bench.cluster.existing.run_lock import Life, life
from bench.model import Plan
from bench.run.create import start_run
from bench.run.loop import RunEndedEarlyError
from bench.sites.existing import ExistingSite
from bench.sites.preflight import SiteRequest, open_site
from bench.store import Store
from bench.supervision.progress import Progress
from bench.supervision.signals import Interrupted, unwinding_on_signals
from bench.supervision.waiting import wait_until
from bench.supervision.watchdog import Watchdog
from kube_informer import CredentialsError
from tests.integration.sites.conftest import TINY
from tests.integration.sites.foreign import CONTEXT, ForeignCluster


@pytest.fixture
def namespace(foreign: ForeignCluster) -> Iterator[OwnNamespace]:
    """A namespace of ours with an object in it."""
    before = foreign.objects()
    expires = int(time.time()) + 600
    taken = take(foreign.admin, "informer-bench-own", run="1-own", expires_epoch_s=expires)
    content = {"metadata": {"name": "bystander"}}
    foreign.admin.post(f"{taken.path}/configmaps", content)
    yield taken
    remove(foreign.admin, taken)
    assert before == foreign.objects()


def test_an_account_of_ours_may_do_its_work_in_our_namespace_and_nothing_elsewhere(
    foreign: ForeignCluster, site: ExistingSite, watchdog: Watchdog
) -> None:
    with site.start(watchdog) as plane:
        for identity in ("direct", "informer", "harness"):
            api = plane.api(identity)
            assert [] == api.get(plane.placement.pods_path)["items"]
            for elsewhere in ("/api/v1/pods", "/api/v1/namespaces/shop/pods"):
                with pytest.raises(ApiError) as refused:
                    api.get(elsewhere)
                assert 403 == refused.value.code
        assert {} == plane.pids()
        assert plane.placement.home in foreign.namespaces()
    assert plane.placement.home not in foreign.namespaces()


def test_when_the_time_is_up_the_run_ends_early_and_the_namespace_is_removed(
    foreign: ForeignCluster, site: ExistingSite, plan: Plan, tmp_path: Path
) -> None:
    before = foreign.objects()
    site.terms = replace(site.terms, deadline=time.monotonic())
    with Progress(quiet=True) as progress:
        run = start_run(plan, TINY, store=Store(tmp_path / "r"), progress=progress, site=site)
        with pytest.raises(RunEndedEarlyError, match="the allowed time"):
            run.execute()
    assert before == foreign.objects()
    assert not site.left_behind


def test_a_namespace_of_another_run_of_ours_is_not_taken_either(
    namespace: OwnNamespace, foreign: ForeignCluster, plan: Plan, tmp_path: Path
) -> None:
    request = SiteRequest(CONTEXT, str(foreign.kubeconfig), namespace=namespace.name)
    with pytest.raises(ClusterError, match="of another run of this project"):
        open_site(request, plan, agree=lambda _: True, say=lambda _: None)


def test_a_namespace_that_is_still_being_deleted_is_reported(
    namespace: OwnNamespace, foreign: ForeignCluster, plan: Plan, tmp_path: Path
) -> None:
    foreign.admin.delete(namespace.path)
    request = SiteRequest(CONTEXT, str(foreign.kubeconfig), namespace=namespace.name)
    with pytest.raises(ClusterError, match="is still being deleted"):
        open_site(request, plan, agree=lambda _: True, say=lambda _: None)


def test_a_failed_removal_is_reported_with_the_command_for_later(
    start_control_plane: Callable[..., ControlPlane],
    site: ExistingSite,
    watchdog: Watchdog,
    messages: list[str],
    tmp_path: Path,
) -> None:
    theirs = start_control_plane()
    access = open_access(str(theirs.kubeconfig), "admin")
    plane = ExistingPlane.start(access, site.terms, watchdog, messages.append)
    theirs.apiserver.stop()
    plane.stop()
    assert plane.left_behind
    assert not plane.folder.exists()
    assert "could not be removed" in messages[-1]
    assert "python -m bench clean --context admin" in messages[-1]


def test_a_signal_during_the_removal_takes_effect_after_it_also_without_a_terminal(
    foreign: ForeignCluster,
    site: ExistingSite,
    watchdog: Watchdog,
    monkeypatch: pytest.MonkeyPatch,
    messages: list[str],
) -> None:
    before = foreign.objects()

    def interrupted(*arguments: object) -> End:
        signal.raise_signal(signal.SIGHUP)
        return remove(*arguments)

    def gone(text: str) -> None:
        messages.append(text)
        raise OSError("the terminal is gone")

    monkeypatch.setattr(existing_plane, "remove", interrupted)
    plane = site.start(watchdog)
    plane._say = gone
    with pytest.raises(Interrupted), unwinding_on_signals():
        plane.stop()
    assert f"removing the namespace {plane.placement.home}" in messages
    assert before == foreign.objects()
    assert not plane.folder.exists()


def test_after_a_removal_without_credentials_the_run_is_known_to_have_ended(
    foreign: ForeignCluster,
    site: ExistingSite,
    watchdog: Watchdog,
    monkeypatch: pytest.MonkeyPatch,
    messages: list[str],
) -> None:
    before = foreign.objects()
    plane = site.start(watchdog)
    with monkeypatch.context() as patch:
        patch.setattr(site.access.api, "request", refuse)
        plane.stop()
    assert plane.left_behind
    assert "could not be removed: the exec plugin failed" in messages[-1]
    assert f"python -m bench clean --context {CONTEXT}" in messages[-1]
    assert not plane.folder.exists()
    assert Life.ENDED is life(site.terms.run)
    plane.stop()
    assert before == foreign.objects()


def test_credentials_that_are_gone_end_the_run_early(
    site: ExistingSite, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Progress(quiet=True) as progress:
        run = start_run(plan, TINY, store=Store(tmp_path / "r"), progress=progress, site=site)
        monkeypatch.setattr(site.access.api, "request", refuse)
        with pytest.raises(RunEndedEarlyError, match="the exec plugin failed"):
            run.execute()


def refuse(*_: object, **__: object) -> bytes:
    raise CredentialsError("the exec plugin failed")


def test_a_namespace_that_another_has_taken_the_place_of_is_left_alone(
    namespace: OwnNamespace, foreign: ForeignCluster
) -> None:
    stranger = replace(namespace, uid="00000000-0000-0000-0000-000000000000")
    assert End.GONE is remove(foreign.admin, stranger)
    assert namespace.name in foreign.namespaces()


def test_where_a_controller_runs_its_work_is_waited_for_and_not_done_for_it(
    namespace: OwnNamespace, foreign: ForeignCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign.admin.post(f"{namespace.path}/serviceaccounts", {"metadata": {"name": "default"}})
    finalized: list[str] = []
    monkeypatch.setattr(removal, "_finalize", lambda _api, ended: finalized.append(ended.name))

    def control() -> None:
        while not (item := foreign.admin.get(namespace.path))["metadata"].get("deletionTimestamp"):
            time.sleep(0.05)
        time.sleep(removal.NO_CONTROLLER_S + 0.5)
        foreign.admin.put(f"{namespace.path}/finalize", {**item, "spec": {"finalizers": []}})

    controller = threading.Thread(target=control)
    controller.start()
    end = remove(foreign.admin, namespace)
    controller.join()
    assert (End.GONE, []) == (end, finalized)


def test_a_controller_that_takes_our_own_binding_first_is_left_to_finish(
    foreign: ForeignCluster,
    site: ExistingSite,
    watchdog: Watchdog,
    monkeypatch: pytest.MonkeyPatch,
    messages: list[str],
) -> None:
    before = foreign.objects()
    monkeypatch.setattr(removal, "CONTROLLER_S", 1.0)
    plane = site.start(watchdog)
    namespace = read(foreign.admin, plane.placement.home)
    assert namespace is not None
    foreign.admin.delete(namespace.path)
    condition = {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "reason": "Found"}
    item = foreign.admin.get(namespace.path)
    foreign.admin.put(
        f"{namespace.path}/status",
        {**item, "status": {**item["status"], "conditions": [condition]}},
    )
    foreign.admin.delete(f"{removal.RBAC}/{namespace.name}/rolebindings/{OWN_BINDING}")
    access = open_access(str(foreign.kubeconfig), CONTEXT)
    reads = [Right("list", "pods")]
    assert wait_until(lambda: missing(access.api, namespace.name, reads) != (), GRANTED_S, 0.1)

    plane.stop()

    assert not plane.left_behind
    assert "the cluster's own controller still deletes it" in messages[-1]
    ended = {"phase": "Terminating"}
    foreign.admin.put(
        f"{namespace.path}/status", {**foreign.admin.get(namespace.path), "status": ended}
    )
    monkeypatch.setattr(removal, "_shows_controller", lambda _api, _name: False)
    assert End.GONE is remove(foreign.admin, namespace)
    assert before == foreign.objects()


def test_a_controller_that_takes_too_long_is_not_waited_for_for_ever(
    namespace: OwnNamespace, foreign: ForeignCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign.admin.post(f"{namespace.path}/serviceaccounts", {"metadata": {"name": "default"}})
    monkeypatch.setattr(removal, "CONTROLLER_S", 1.0)
    assert End.ENDING is remove(foreign.admin, namespace)
    assert [] == foreign.admin.get(f"{namespace.path}/configmaps")["items"]
    assert namespace.name in foreign.namespaces()


def test_a_kubeconfig_without_a_current_context_will_do(
    foreign: ForeignCluster, tmp_path: Path
) -> None:
    text = foreign.kubeconfig.read_text().replace(f"current-context: {CONTEXT}\n", "")
    assert "current-context" not in text
    (tmp_path / "config").write_text(text)
    access: Access = open_access(str(tmp_path / "config"), CONTEXT)
    assert foreign.plane.url == access.server
    assert "system:serviceaccount:people:guest" == access.user()
