"""An existing cluster as a control plane to measure: namespace, accounts, and their removal."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.cluster.api import Api, ApiError, ApiUnreachableError
from bench.cluster.existing.access import Access
from bench.cluster.existing.errors import ClusterError
from bench.cluster.existing.namespace import MANAGED_BY, OURS, OwnNamespace, read, take
from bench.cluster.existing.removal import End, remove
from bench.cluster.existing.rights import hold_rights
from bench.cluster.existing.run_lock import forget, holding
from bench.cluster.identities import ADMIN, HARNESS, IDENTITIES, Identity
from bench.cluster.placement import ACCOUNT, NO_SCHEDULER, Placement
from bench.cluster.plane import Plane
from bench.supervision.signals import deferring_signals
from bench.supervision.watchdog import Watchdog
from kube_informer import ClientConfig, CredentialsError

LEAST_TOKEN_S = 3600

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of use of a cluster: namespace, end, rate of writes, and what may be read.

    ``deadline`` is of the monotonic clock, ``None`` for no end.
    """

    namespace: str
    run: str
    expires_epoch_s: int
    deadline: float | None
    writes_per_s: float | None
    writes_status: bool
    reads_metrics: bool
    audit_log: Path | None
    private_words: tuple[str, ...]
    user: str | None = None
    """The person's user name there; ``None``: the cluster does not report it."""
    is_handed_over: bool = False
    """Whether an admin made the namespace; it is then kept."""


class ExistingPlane(Plane):
    """A namespace, made or handed over, with our accounts; ``stop`` removes all we made there."""

    def __init__(self, access: Access, terms: Terms, watchdog: Watchdog, say: Say) -> None:
        placement = Placement(
            terms.namespace,
            confined=True,
            writes_status=terms.writes_status,
            writes_per_s=terms.writes_per_s,
        )
        super().__init__(placement, watchdog, terms.private_words)
        self.audit_log = terms.audit_log
        self.etcd_url = None
        self.left_behind = False
        self._access = access
        self._terms = terms
        self._say = say
        self._namespace: OwnNamespace | None = None
        self._has_requested = False
        self._stack = ExitStack()

    @classmethod
    def start(cls, access: Access, terms: Terms, watchdog: Watchdog, say: Say) -> Self:
        """Make or claim the namespace, and create the accounts in it.

        Raises ``ClusterError`` if the name is taken already, ``ApiError`` or
        ``ApiUnreachableError`` if a request fails; an error leaves nothing behind.
        """
        plane = cls(access, terms, watchdog, say)
        with plane.stop_on_error():
            plane._bring_up()
        return plane

    def client_config(self, identity: str) -> ClientConfig:
        """Return the client configuration of ``identity`` (``admin`` is the person)."""
        return self._access.config if identity == ADMIN else super().client_config(identity)

    def api(self, identity: str) -> Api:
        """Return a connection as ``identity``, kept until this stops."""
        return self._access.api if identity == ADMIN else super().api(identity)

    def _granting(self) -> Api:
        return self._access.api

    def _create_account(
        self, api: Api, identity: Identity, lifetime_s: int = LEAST_TOKEN_S
    ) -> None:
        left_s = self._terms.expires_epoch_s - int(time.time())
        super()._create_account(api, identity, max(lifetime_s, left_s))

    def observer(self) -> Api | None:
        """Return the person's connection if it may read metrics; a namespace's accounts cannot."""
        return self._access.api if self._terms.reads_metrics else None

    def pids(self) -> Mapping[str, int]:
        """Return an empty mapping: none of this cluster's processes is ours to sample."""
        return {}

    def check(self) -> None:
        """Raise ``ClusterError`` if the allowed time is up."""
        deadline = self._terms.deadline
        if deadline is not None and time.monotonic() > deadline:
            raise ClusterError(
                "the allowed time of a run on an existing cluster is up (--max-minutes)"
            )

    def stop(self) -> None:
        """Remove all we made there and this machine's folder; safe to call again.

        A failed removal is reported, with the command that removes the rest later. A signal
        takes effect after the removal: nothing would repeat an interrupted one.
        """
        try:
            with deferring_signals():
                self._take_away()
        finally:
            self._stack.close()
            self._remove_folder()

    def _bring_up(self) -> None:
        terms, api = self._terms, self._access.api
        self._stack.enter_context(holding(terms.run))
        self._has_requested = True
        self._namespace = take(
            api,
            terms.namespace,
            run=terms.run,
            expires_epoch_s=terms.expires_epoch_s,
            owner=terms.user,
            handed_over=terms.is_handed_over,
        )
        if not terms.is_handed_over:
            hold_rights(api, terms.namespace, terms.user)
        metadata = {"name": ACCOUNT, "labels": {MANAGED_BY: OURS}}
        api.post(f"{self._namespace.path}/serviceaccounts", {"metadata": metadata})
        for identity in IDENTITIES:
            self._create_account(api, identity)
        config = self._access.config
        self._cluster = {"server": config.server}
        if config.authority is not None:
            authority = self.folder / "authority.crt"
            authority.write_bytes(config.authority)
            self._cluster["certificate-authority"] = str(authority)
        if config.server_name:
            self._cluster["tls-server-name"] = config.server_name
        if config.proxy:
            self._cluster["proxy-url"] = config.proxy
        self._write_kubeconfig()
        for identity in IDENTITIES:
            self._await_rights(identity)
        self._try_a_pod()

    def _try_a_pod(self) -> None:
        """Check by a dry run that this cluster accepts our pods unchanged.

        Admission may refuse our pods, or change them so that they would run after all.
        Raises ``ClusterError``.
        """
        path = f"/api/v1/namespaces/{self.placement.home}/pods?dryRun=All"
        try:
            spec = self.api(HARNESS).post(path, self.placement.probe_manifest())["spec"]
        except ApiError as error:
            if "dry run" in str(error):
                return  # a webhook that does not support dry runs
            raise ClusterError(f"this cluster refuses our form of pods: {error}") from error
        if spec.get("schedulerName") != NO_SCHEDULER or "nodeName" in spec:
            raise ClusterError(
                "something on this cluster changes pods so that they would be scheduled (a "
                "mutating webhook?): none was made"
            )

    def _take_away(self) -> None:
        if not self._has_requested:
            return
        name = self.placement.home
        option = f" --namespace {name}" if self._terms.is_handed_over else ""
        subject = "this project's objects in the namespace" if option else "the namespace"
        try:
            namespace = self._namespace or self._made_unheard()
            if namespace is None:
                forget(self._terms.run)
                return
            with suppress(OSError, SystemExit):  # the terminal or pipe may have gone
                self._say(f"removing {subject} {name}")
            end = remove(self._access.api, namespace, self._terms.user)
        except (ApiError, ApiUnreachableError, ClusterError, CredentialsError) as error:
            self.left_behind = True
            self._say(
                f"{subject} {name} could not be removed: {error}\n"
                f"    later: python -m bench clean --context {self._access.context}{option}"
            )
            return
        self._has_requested, self._namespace = False, None
        if end is End.GONE:
            forget(namespace.run)
            self._say(f"{namespace.in_words} is removed")
            return
        self._say(
            f"the namespace {namespace.name} is empty: the cluster's own controller still deletes "
            "it, or this account may not finalize it; check later with python -m bench clean "
            f"--context {self._access.context}"
        )

    def _made_unheard(self) -> OwnNamespace | None:
        """Return the namespace if it was made, but an interruption hid the answer."""
        namespace = read(self._access.api, self.placement.home)
        return namespace if namespace is not None and namespace.run == self._terms.run else None
