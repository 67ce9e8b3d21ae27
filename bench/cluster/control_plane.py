"""A throwaway control plane: kube-apiserver and etcd on loopback.

No kubelet, scheduler or controller runs beside them: objects stay as they are
written, and a deletion is immediate only if it is requested without a grace period.
"""

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path
from threading import Event, Thread
from typing import Self

from bench.cluster.api import Api, ApiError, ApiUnreachableError
from bench.cluster.binaries import Binaries
from bench.cluster.certificates import Authority, KeyPair, write_signing_key
from bench.cluster.identities import ADMIN, ADMIN_GROUP, HARNESS, IDENTITIES, NAMESPACE, bind
from bench.cluster.placement import Placement
from bench.cluster.plane import Plane
from bench.supervision.ports import answers, usable_port
from bench.supervision.process import ProcessFailed, SupervisedProcess
from bench.supervision.watchdog import Watchdog
from kube_informer import ClientConfig, Credentials

READY_TIMEOUT_S = 120.0
"""For a process that hangs: one that ends is noticed at once. A busy machine may take a minute."""
PROBE_S = 5.0
"""Time-out of one readiness request to a starting kube-apiserver."""
ETCD_LOOK_S = 0.2
START_ATTEMPTS = 3
ADDRESS_IN_USE = "address already in use"

CHANGED_DEFAULTS = (
    "etcd: one member on the same machine, no fsync (--unsafe-no-fsync), plain HTTP on loopback",
    "kube-apiserver: audit log at Metadata level, written before each answer (blocking mode)",
    "kube-apiserver: admission plugin ServiceAccount off, so that pods need no account of theirs",
    "no kubelet, scheduler or controller runs: pods stay as they are written",
)


class ControlPlane(Plane):
    """A running control plane; use as a context manager or call ``stop``.

    All its files are in one temporary folder, guarded by the watchdog: ``kubeconfig``
    has one context per identity, ``audit_log`` is the API server's.
    """

    audit_log: Path
    etcd_url: str

    def __init__(
        self,
        binaries: Binaries,
        watchdog: Watchdog,
        *,
        extra_args: tuple[str, ...] = (),
        pods_need_accounts: bool = False,
    ) -> None:
        self.binaries = binaries
        super().__init__(Placement(), watchdog)
        self._extra_args = extra_args
        self._pods_need_accounts = pods_need_accounts
        self._outlives_etcd = Event()
        self.audit_log = self.folder / "audit.log"
        self.etcd_log = self.folder / "etcd.log"
        self.apiserver_log = self.folder / "kube-apiserver.log"
        self._authority = Authority(self.folder)
        self._serving = self._authority.issue_server("kube-apiserver")
        self._admin = self._authority.issue_client(ADMIN, ADMIN_GROUP)
        write_signing_key(self.folder / "service-account.key")
        policy = resources.files("bench.cluster") / "manifests" / "audit-policy.yaml"
        (self.folder / "audit-policy.yaml").write_bytes(policy.read_bytes())
        self.etcd: SupervisedProcess
        self.apiserver: SupervisedProcess
        self.etcd_url = ""
        self.url = ""

    @classmethod
    def start(
        cls,
        binaries: Binaries,
        watchdog: Watchdog,
        *,
        extra_args: tuple[str, ...] = (),
        pods_need_accounts: bool = False,
    ) -> Self:
        """Start etcd and kube-apiserver and create the identities.

        ``extra_args`` are the last flags of kube-apiserver. With ``pods_need_accounts`` each
        pod needs an existing ServiceAccount, as on most clusters. Raises ``ProcessFailed``
        with the log's last lines if one of the two does not start.
        """
        plane = cls(
            binaries, watchdog, extra_args=extra_args, pods_need_accounts=pods_need_accounts
        )
        with plane.stop_on_error():
            plane._bring_up()
        return plane

    def observer(self) -> Api:
        """Return the harness's connection, which may read metrics."""
        return self.api(HARNESS)

    def _granting(self) -> Api:
        return self.api(ADMIN)

    def pids(self) -> Mapping[str, int]:
        """Return both processes' ids."""
        return {"apiserver": self.apiserver.pid, "etcd": self.etcd.pid}

    def check(self) -> None:
        """Raise ``ProcessFailed`` if etcd or kube-apiserver has ended."""
        for process in (self.etcd, self.apiserver):
            process.check()

    def start_etcd(self) -> None:
        """Start etcd, on its previous address if it had one."""
        if not self.etcd_url:
            self.etcd_url = f"http://127.0.0.1:{usable_port()}"
        self.etcd = SupervisedProcess.start(
            "etcd",
            [str(self.binaries.etcd), *self._etcd_args()],
            log=self.etcd_log,
            watchdog=self._watchdog,
            ready=lambda: answers(f"{self.etcd_url}/readyz"),
            ready_timeout_s=READY_TIMEOUT_S,
        )

    def start_apiserver(self, ready: Callable[[], bool] | None = None) -> None:
        """Start kube-apiserver, on its previous address if it had one.

        Returns once ``/readyz`` answers ok, or once ``ready`` returns true if it is given.
        """
        port = self.url.rpartition(":")[2] or str(usable_port())
        self.url = f"https://127.0.0.1:{port}"
        probe = Api(self._as(), read_timeout_s=PROBE_S)

        def is_ready() -> bool:
            self.etcd.check()
            return ready() if ready else _is_ready(probe)

        try:
            self.apiserver = SupervisedProcess.start(
                "kube-apiserver",
                [str(self.binaries.kube_apiserver), *self._apiserver_args(port)],
                log=self.apiserver_log,
                watchdog=self._watchdog,
                ready=is_ready,
                ready_timeout_s=READY_TIMEOUT_S,
            )
        finally:
            probe.close()

    def kill_apiserver(self) -> None:
        """Kill kube-apiserver (SIGKILL), as a crash would; ``start_apiserver`` restarts it."""
        if self.apiserver.poll() is None:  # not reaped until it is stopped: the id is still its own
            os.killpg(self.apiserver.pid, signal.SIGKILL)
        self.apiserver.stop()

    def outlive_etcd(self) -> None:
        """Keep kube-apiserver running if etcd ends from now on: the caller restarts etcd."""
        self._outlives_etcd.set()

    def stop(self) -> None:
        """Stop both processes and remove the folder; safe to call again."""
        self._outlives_etcd.set()
        for name in ("apiserver", "etcd"):
            process = getattr(self, name, None)
            if process is not None:
                process.stop()
        self._remove_folder()

    def _bring_up(self) -> None:
        self._retrying_ports(self.start_etcd, "etcd_url")
        try:
            self._bring_up_apiserver()
        except (ProcessFailed, ApiError, ApiUnreachableError):
            self.etcd.check()  # if it has ended, that is the cause
            raise

    def _end_with_etcd(self) -> None:
        """Kill kube-apiserver when etcd ends: each request would wait a minute for etcd."""
        while not self._outlives_etcd.wait(ETCD_LOOK_S):
            if self.etcd.poll() is not None:
                with suppress(ProcessLookupError):
                    os.killpg(self.apiserver.pid, signal.SIGKILL)
                return

    def _bring_up_apiserver(self) -> None:
        self._retrying_ports(self.start_apiserver, "url")
        Thread(target=self._end_with_etcd, name="etcd-watch", daemon=True).start()
        bootstrap = self._authority.issue_client("bootstrap", "system:masters")
        api = Api(self._as(bootstrap))
        try:
            api.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
            bind(api, "cluster-admin", {"kind": "Group", "name": ADMIN_GROUP}, name=ADMIN)
            for identity in IDENTITIES:
                self._create_account(api, identity)
        finally:
            # from here on every client is under flow control and RBAC
            api.close()
            bootstrap.delete()
        authority = str(self._authority.certificate)
        self._cluster = {"server": self.url, "certificate-authority": authority}
        self._write_kubeconfig()

    def _as(self, pair: KeyPair | None = None) -> ClientConfig:
        """Return the client configuration of ``pair``'s user, before there is a kubeconfig."""
        credentials = Credentials(pair=pair.read()) if pair is not None else Credentials()
        authority = self._authority.certificate.read_bytes()
        return ClientConfig(self.url, credentials, authority=authority)

    def _retrying_ports(self, start: Callable[[], None], address: str) -> None:
        """Call ``start``, again with another port if its port was taken in between."""
        for attempt in range(START_ATTEMPTS):
            try:
                return start()
            except ProcessFailed as error:
                if attempt == START_ATTEMPTS - 1 or ADDRESS_IN_USE not in str(error):
                    raise
                setattr(self, address, "")
        return None

    def _etcd_args(self) -> list[str]:
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={self.etcd_url}",
            f"--advertise-client-urls={self.etcd_url}",
            "--listen-peer-urls=http://127.0.0.1:0",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _apiserver_args(self, port: str) -> list[str]:
        signing_key = self.folder / "service-account.key"
        return [
            f"--etcd-servers={self.etcd_url}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={self._serving.certificate}",
            f"--tls-private-key-file={self._serving.key}",
            f"--client-ca-file={self._authority.certificate}",
            f"--cert-dir={self.folder}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://informer-bench.local",
            f"--service-account-key-file={signing_key}",
            f"--service-account-signing-key-file={signing_key}",
            "--service-cluster-ip-range=10.96.0.0/24",
            "--endpoint-reconciler-type=none",
            *(() if self._pods_need_accounts else ("--disable-admission-plugins=ServiceAccount",)),
            f"--audit-policy-file={self.folder / 'audit-policy.yaml'}",
            f"--audit-log-path={self.audit_log}",
            "--audit-log-mode=blocking",
            # rotated only beyond 10 GB: a run reads one file
            "--audit-log-maxsize=10000",
            *self._extra_args,
        ]


def _is_ready(api: Api) -> bool:
    try:
        return api.get_bytes("/readyz") == b"ok"
    except (ApiError, ApiUnreachableError):
        return False
