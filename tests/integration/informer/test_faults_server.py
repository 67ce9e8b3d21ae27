"""The API server and etcd killed, frozen and put back in time; credentials and rights revoked."""

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
def make_subject(request, breakable: ControlPlane, writer_of, informers) -> Make:
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
"""Seconds that a fault lasts; the long form also asserts the time of the recovery."""


@pytest.mark.parametrize("seconds", LASTING)
def test_an_api_server_killed_and_restarted(breakable, make_subject, seconds):
    subject = make_subject()
    with subject.held_back():
        kill(breakable.apiserver)
        time.sleep(seconds)
        breakable.start_apiserver()
    subject.recovers()
    subject.kept_its_state("expired")


FROZEN = [1.5, pytest.param(20.0, marks=pytest.mark.soak)]


@pytest.mark.parametrize("seconds", FROZEN)
def test_an_api_server_frozen(breakable, make_subject, seconds):
    subject = make_subject()
    with subject.held_back(), frozen(breakable.apiserver):
        time.sleep(seconds)
    subject.recovers()


@pytest.mark.parametrize("seconds", LASTING)
def test_etcd_killed_and_restarted(breakable, make_subject, seconds):
    subject = make_subject()
    with subject.held_back():
        kill(breakable.etcd)
        time.sleep(seconds)
        breakable.start_etcd()
    subject.recovers()


@pytest.mark.parametrize("seconds", FROZEN)
def test_etcd_frozen(breakable, make_subject, seconds):
    subject = make_subject()
    with subject.held_back(), frozen(breakable.etcd):
        time.sleep(seconds)
    subject.recovers()


def test_an_api_server_shut_down_and_restarted_and_a_true_410(
    breakable, make_subject, informers, namespace, proxied
):
    """One of two informers is cut off meanwhile: the API server has forgotten what it missed."""
    proxy, kubeconfig = proxied(breakable)
    cut_off = make_subject(kubeconfig)
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
def test_connections_refused(breakable, make_subject, proxied, seconds):
    proxy, kubeconfig = proxied(breakable)
    subject = make_subject(kubeconfig)
    proxy.refuse()
    proxy.cut()
    begun = time.monotonic()
    subject.writer.some_writes("away")
    time.sleep(seconds)
    # No request got through; the delays show the tries, and all but the last have passed.
    assert [] == [sent for sent in subject.requests_since(begun) if sent[2] != 0]
    assert sum(subject.fills.delays[:-1]) <= time.monotonic() - begun
    proxy.accept_again()
    subject.recovers()
    subject.kept_its_state()


MANY_WRITES = 200
"""More than an API server writes by itself at its start: the old copy must stay behind us."""


def test_etcd_put_back_to_an_older_copy(breakable, make_subject, tmp_path):
    subject = make_subject()
    data, copy = breakable.folder / "etcd", tmp_path / "older"
    with frozen(breakable.etcd):  # its files are as after a kill, which it takes
        shutil.copytree(data, copy)
    subject.writer.create("to-be-undone")
    for at in range(MANY_WRITES):
        subject.writer.touch("to-be-undone", str(at))
    subject.in_step()
    kill(breakable.apiserver)
    breakable.etcd.stop()
    shutil.rmtree(data)
    shutil.copytree(copy, data)
    subject.replica.forget_versions()
    breakable.start_etcd()
    breakable.start_apiserver()
    subject.recovers()
    assert "rv_backwards" in subject.fills.reasons
    assert subject.informer.lister().get(subject.writer.namespace, "to-be-undone") is None


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
            context | {"name": "admin", "context": context["context"] | {"user": "admin"}}
            for context in document["contexts"][:1]
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
        body = {"spec": {"expirationSeconds": 3600}}
        token: str = self._api.post(f"{self._accounts}/watcher/token", body)["status"]["token"]
        return token

    def write_token(self, token: str = "") -> None:
        fresh = self._token.with_suffix(".new")
        fresh.write_text(token or self.new_token())
        fresh.replace(self._token)


def refused_with(subject: Subject, code: int, begun: float) -> None:
    eventually(
        lambda: sum(sent[2] == code for sent in subject.requests_since(begun)) >= 2,
        f"refused with {code} twice",
    )


@pytest.fixture
def watched(
    breakable, make_subject, proxied, namespace, tmp_path
) -> tuple[TcpProxy, Watcher, Subject]:
    """A proxy before the control plane, an account, and an informer that uses both."""
    proxy, through = proxied(breakable)
    server = yaml.safe_load(through.read_text())["clusters"][0]["cluster"]["server"]
    watcher = Watcher(breakable, namespace, server, tmp_path)
    return proxy, watcher, make_subject(watcher.kubeconfig)


def test_an_account_deleted_and_made_again_with_a_new_token(watched):
    proxy, watcher, subject = watched
    # The API server caches a checked token for ten seconds, but not an unseen one.
    unseen = watcher.new_token()
    begun = time.monotonic()
    with subject.held_back():
        watcher.delete()
        watcher.create()
        watcher.write_token(unseen)
        for _ in range(100):
            proxy.cut()
            time.sleep(0.3)
            if any(sent[2] == 401 for sent in subject.requests_since(begun)):
                break
        refused_with(subject, 401, begun)
    watcher.write_token()
    subject.recovers()
    subject.kept_its_state("broke", "refused")


def test_rights_withdrawn_and_given_back(watched):
    proxy, watcher, subject = watched
    begun = time.monotonic()
    watcher.forbid()
    with subject.held_back():
        proxy.cut()
        subject.writer.some_writes("unseen")
        refused_with(subject, 403, begun)
    watcher.allow()
    subject.recovers()
    subject.kept_its_state("refused")


def test_a_real_429_from_flow_control(breakable, watched, namespace):
    """A priority level closed to the informer's account: every request is rejected."""
    proxy, watcher, subject = watched
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
        # A level without seats still serves one request at a time: occupy it with another
        # client's, which the API server delays for 3 s: it waits for a future version.
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
            if sum(sent[2] == 429 for sent in subject.requests_since(begun)) >= 2:
                break
            proxy.cut()
            time.sleep(0.5)
        refused_with(subject, 429, begun)
    finally:
        over.set()
        for thread in rivals:
            thread.join()
        rival.close()
    sent = subject.requests_since(begun)
    waits = [after[0] - before[0] for before, after in itertools.pairwise(sent) if before[2] == 429]
    assert min(waits, default=1.0) >= 1.0
    api.delete(f"{root}/flowschemas/to-closed")
    api.delete(f"{root}/prioritylevelconfigurations/closed")
    # Answers to other clients do not count: recovery starts when flow control admits the informer.
    eventually(lambda: subject.requests[-1][2] == 200, "let in again")
    subject.recovers()
    subject.kept_its_state("broke", "throttled")


def test_without_watch_list_it_is_filled_and_refilled_by_lists(
    start_control_plane, informers, namespace, monkeypatch
):
    plane = start_control_plane("--feature-gates=WatchList=false")
    api = plane.api("admin")
    api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
    writer = Writer(api, namespace)
    subject = Subject(plane, writer, informers, stream_initial=True)
    assert ["watch", "list"] == [verb for _, verb, _ in subject.requests][:2]
    for at in range(7):
        api.post(f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": f"c{at}"}})
    monkeypatch.setattr(machine, "PAGE_LIMIT", 3)
    maps = informers.filled(plane.kubeconfig, CONFIGMAPS, namespaces=[namespace])
    assert 7 == len([item for item in maps.snapshot() if item.name.startswith("c")])
    kill(plane.apiserver)
    plane.start_apiserver()
    subject.recovers()
