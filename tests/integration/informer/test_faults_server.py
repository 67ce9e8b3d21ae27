"""The API server and etcd killed, frozen and put back in time; credentials and rights taken."""

import contextlib
import itertools
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bench.cluster.control_plane import ControlPlane
from kube_informer import CONFIGMAPS, Transport, TransportError, machine
from tests.integration.informer.replica import Writer, eventually
from tests.integration.informer.subject import Make, Subject
from tests.integration.informer.wire import TcpProxy

if TYPE_CHECKING:
    from bench.cluster.api import Api


@pytest.fixture
def subject(request, breakable: ControlPlane, writer_of, informers) -> Make:
    writer = writer_of(breakable)
    timed = request.node.get_closest_marker("soak") is not None

    def make(kubeconfig: Path | None = None, **options: Any) -> Subject:
        return Subject(breakable, writer, informers, kubeconfig, timed=timed, **options)

    return make


def kill(process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.stop()


@contextlib.contextmanager
def frozen(process) -> Iterator[None]:
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


LASTING = [1.0, pytest.param(30.0, marks=pytest.mark.soak)]
"""Seconds that a fault lasts; the long form also asserts how long recovery takes."""


@pytest.mark.parametrize("seconds", LASTING)
def test_an_api_server_killed_and_restarted(breakable, subject, seconds):
    found = subject()
    with found.held_back():
        kill(breakable.apiserver)
        time.sleep(seconds)
        breakable.start_apiserver()
    found.recovers()
    found.kept_its_state("expired")


FROZEN = [1.5, pytest.param(20.0, marks=pytest.mark.soak)]


@pytest.mark.parametrize("seconds", FROZEN)
def test_an_api_server_frozen(breakable, subject, seconds):
    found = subject()
    with found.held_back(), frozen(breakable.apiserver):
        time.sleep(seconds)
    found.recovers()


@pytest.mark.parametrize("seconds", LASTING)
def test_etcd_killed_and_restarted(breakable, subject, seconds):
    found = subject()
    with found.held_back():
        kill(breakable.etcd)
        time.sleep(seconds)
        breakable.start_etcd()
    found.recovers()


@pytest.mark.parametrize("seconds", FROZEN)
def test_etcd_frozen(breakable, subject, seconds):
    found = subject()
    with found.held_back(), frozen(breakable.etcd):
        time.sleep(seconds)
    found.recovers()


def test_an_api_server_stopped_in_good_order_and_restarted_and_a_true_410(
    breakable, subject, informers, namespace, proxied
):
    """Of two informers one is cut off meanwhile: what it missed the API server has forgotten."""
    proxy, kubeconfig = proxied(breakable)
    cut_off = subject(kubeconfig)
    breakable.api("admin").post("/api/v1/namespaces", {"metadata": {"name": f"{namespace}-near"}})
    near = Subject(breakable, Writer(breakable.api("admin"), f"{namespace}-near"), informers)
    proxy.refuse()
    proxy.cut()
    cut_off.writer.delete("first-1")
    cut_off.writer.some_writes("away")
    with near.held_back():
        breakable.apiserver.stop()
        breakable.start_apiserver()
    near.recovers()
    # Its shutdown writes to etcd, so its next event window may begin after our version.
    near.kept_its_state("expired")
    cut_off.writer.some_writes("restarted")
    proxy.accept_again()
    cut_off.recovers()
    assert ["initial", "expired"] == cut_off.fills.reasons
    assert 1 == cut_off.replica.unknown_deletes


@pytest.mark.parametrize("seconds", LASTING)
def test_connections_refused(breakable, subject, proxied, seconds):
    proxy, kubeconfig = proxied(breakable)
    found = subject(kubeconfig)
    proxy.refuse()
    proxy.cut()
    begun = time.monotonic()
    found.writer.some_writes("away")
    time.sleep(seconds)
    # Nothing could be sent; what was tried shows in the delays, all but the last of them waited.
    assert [] == [one for one in found.requests_since(begun) if one[2] != 0]
    assert sum(found.fills.delays[:-1]) <= time.monotonic() - begun
    proxy.accept_again()
    found.recovers()
    found.kept_its_state()


MANY_WRITES = 200
"""More than an API server writes by itself while it starts: the old copy must stay behind us."""


def test_etcd_put_back_to_an_older_copy(breakable, subject, tmp_path):
    found = subject()
    data, copy = breakable.folder / "etcd", tmp_path / "older"
    with frozen(breakable.etcd):  # its files are as after a kill, which it takes
        shutil.copytree(data, copy)
    found.writer.create("to-be-undone")
    for at in range(MANY_WRITES):
        found.writer.touch("to-be-undone", str(at))
    found.in_step()
    kill(breakable.apiserver)
    breakable.etcd.stop()
    shutil.rmtree(data)
    shutil.copytree(copy, data)
    found.replica.forget_versions()
    breakable.start_etcd()
    breakable.start_apiserver()
    found.recovers()
    assert "rv_backwards" in found.fills.reasons
    assert found.informer.lister().get(found.writer.namespace, "to-be-undone") is None


class Watcher:
    """A ServiceAccount that may list and watch pods, its token in a file, its kubeconfig."""

    def __init__(self, plane: ControlPlane, namespace: str, server: str, folder: Path) -> None:
        self._api: Api = plane.api("admin")
        self._accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        self._namespace = namespace
        self._token = folder / "token"
        self._bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
        self._name = f"view-{namespace}"
        self.create()
        self.allow()
        self.write_token()
        document = yaml.safe_load(plane.kubeconfig.read_text())
        document["clusters"][0]["cluster"]["server"] = server
        document["users"] = [{"name": "admin", "user": {"tokenFile": str(self._token)}}]
        document["contexts"] = [
            one | {"name": "admin", "context": one["context"] | {"user": "admin"}}
            for one in document["contexts"][:1]
        ]
        self.kubeconfig = folder / "watcher.kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(document))

    def create(self) -> None:
        self._api.post(self._accounts, {"metadata": {"name": "watcher"}})

    def delete(self) -> None:
        self._api.delete(f"{self._accounts}/watcher")

    def allow(self) -> None:
        self._api.post(
            self._bindings,
            {
                "metadata": {"name": self._name},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": "cluster-admin",
                },
                "subjects": [
                    {
                        "kind": "ServiceAccount",
                        "name": "watcher",
                        "namespace": self._namespace,
                    }
                ],
            },
        )

    def forbid(self) -> None:
        self._api.delete(f"{self._bindings}/{self._name}")

    def new_token(self) -> str:
        asked = {"spec": {"expirationSeconds": 3600}}
        token: str = self._api.post(f"{self._accounts}/watcher/token", asked)["status"]["token"]
        return token

    def write_token(self, token: str = "") -> None:
        fresh = self._token.with_suffix(".new")
        fresh.write_text(token or self.new_token())
        fresh.replace(self._token)


def refused_with(found: Subject, code: int, begun: float) -> None:
    eventually(
        lambda: sum(one[2] == code for one in found.requests_since(begun)) >= 2,
        f"refused with {code} twice",
    )


@pytest.fixture
def watched(breakable, subject, proxied, namespace, tmp_path) -> tuple[TcpProxy, Watcher, Subject]:
    """A proxy before the control plane, an account, and the informer that goes by both."""
    proxy, through = proxied(breakable)
    server = yaml.safe_load(through.read_text())["clusters"][0]["cluster"]["server"]
    watcher = Watcher(breakable, namespace, server, tmp_path)
    return proxy, watcher, subject(watcher.kubeconfig)


def test_an_account_deleted_and_made_again_with_a_new_token(watched):
    proxy, watcher, found = watched
    # The API server believes a token for ten seconds once it was checked, but not one unseen.
    unseen = watcher.new_token()
    begun = time.monotonic()
    with found.held_back():
        watcher.delete()
        watcher.create()
        watcher.write_token(unseen)
        for _ in range(100):
            proxy.cut()
            time.sleep(0.3)
            if any(one[2] == 401 for one in found.requests_since(begun)):
                break
        refused_with(found, 401, begun)
    watcher.write_token()
    found.recovers()
    found.kept_its_state("broke", "refused")


def test_rights_withdrawn_and_given_back(watched):
    proxy, watcher, found = watched
    begun = time.monotonic()
    watcher.forbid()
    with found.held_back():
        proxy.cut()
        found.writer.some_writes("unseen")
        refused_with(found, 403, begun)
    watcher.allow()
    found.recovers()
    found.kept_its_state("refused")


def test_a_real_429_from_flow_control(breakable, watched, namespace):
    """A priority level closed to the informer's account: every request is rejected."""
    proxy, watcher, found = watched
    api = breakable.api("admin")
    root = "/apis/flowcontrol.apiserver.k8s.io/v1"
    api.post(
        f"{root}/prioritylevelconfigurations",
        {
            "metadata": {"name": "closed"},
            "spec": {
                "type": "Limited",
                "limited": {
                    "nominalConcurrencyShares": 0,
                    "lendablePercent": 0,
                    "borrowingLimitPercent": 0,
                    "limitResponse": {"type": "Reject"},
                },
            },
        },
    )
    account = {"name": "watcher", "namespace": namespace}
    api.post(
        f"{root}/flowschemas",
        {
            "metadata": {"name": "to-closed"},
            "spec": {
                "priorityLevelConfiguration": {"name": "closed"},
                "matchingPrecedence": 2,
                "rules": [
                    {
                        "subjects": [{"kind": "ServiceAccount", "serviceAccount": account}],
                        "resourceRules": [
                            {
                                "verbs": ["*"],
                                "apiGroups": ["*"],
                                "resources": ["*"],
                                "namespaces": ["*"],
                                "clusterScope": True,
                            }
                        ],
                    }
                ],
            },
        },
    )
    begun = time.monotonic()
    rival = Transport.from_kubeconfig(watcher.kubeconfig, "admin", pool_maxsize=4)
    over = threading.Event()

    def keep_busy() -> None:
        # A level without seats still lets one request run at a time: let it be another's, and
        # one that the API server sits on for 3 s before it says that it is not that far yet.
        future = {"resourceVersion": str(10**15), "resourceVersionMatch": "NotOlderThan"}
        while not over.is_set():
            with contextlib.suppress(TransportError):
                rival.get("/api/v1/pods", future, timeout=10, verb="list", resource="pods")
            over.wait(0.02)

    rivals = [threading.Thread(target=keep_busy) for _ in range(4)]
    for thread in rivals:
        thread.start()
    try:
        for _ in range(60):
            if sum(one[2] == 429 for one in found.requests_since(begun)) >= 2:
                break
            proxy.cut()
            time.sleep(0.5)
        refused_with(found, 429, begun)
    finally:
        over.set()
        for thread in rivals:
            thread.join()
        rival.close()
    sent = found.requests_since(begun)
    waits = [after[0] - one[0] for one, after in itertools.pairwise(sent) if one[2] == 429]
    assert min(waits, default=1.0) >= 1.0
    api.delete(f"{root}/flowschemas/to-closed")
    api.delete(f"{root}/prioritylevelconfigurations/closed")
    # The answers of others say nothing here: recovery begins when flow control lets it in.
    eventually(lambda: found.requests[-1][2] == 200, "let in again")
    found.recovers()
    found.kept_its_state("broke", "throttled")


def test_without_watch_list_it_is_filled_and_refilled_by_lists(
    start_control_plane, informers, namespace, monkeypatch
):
    plane = start_control_plane("--feature-gates=WatchList=false")
    api = plane.api("admin")
    api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
    writer = Writer(api, namespace)
    found = Subject(plane, writer, informers, stream_initial=True)
    assert ["watch", "list"] == [verb for _, verb, _ in found.requests][:2]
    for at in range(7):
        api.post(f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": f"c{at}"}})
    monkeypatch.setattr(machine, "PAGE_LIMIT", 3)
    maps = informers.filled(plane.kubeconfig, CONFIGMAPS, namespaces=[namespace])
    assert 7 == len([item for item in maps.snapshot() if item.name.startswith("c")])
    kill(plane.apiserver)
    plane.start_apiserver()
    found.recovers()
