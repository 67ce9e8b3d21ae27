"""Base of a control plane, local or existing: its folder, accounts and connections."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from bench.cluster.api import Api
from bench.cluster.certificates import KeyPair
from bench.cluster.existing.errors import ClusterError
from bench.cluster.existing.rights import GRANTED_S, is_granted
from bench.cluster.identities import (
    TOKEN_LIFETIME_S,
    Identity,
    Rule,
    confined_rules,
    create_account,
    write_kubeconfig,
    write_token,
)
from bench.cluster.placement import Placement
from bench.supervision.guardian import remove_folders
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog
from kube_informer import ClientConfig


class Plane(Stoppable, ABC):
    """An API server with this project's accounts.

    An existing cluster has no processes of ours, and ``None`` for whatever it does not show.
    ``stop`` removes everything that was started or made.
    """

    audit_log: Path | None
    """The API server's audit log, ``None`` where it cannot be read."""
    etcd_url: str | None
    """Where etcd serves its metrics, ``None`` where it does not."""
    _admin: KeyPair | None = None
    """The person's certificate, if this project issued it."""

    def __init__(
        self, placement: Placement, watchdog: Watchdog, private_words: tuple[str, ...] = ()
    ) -> None:
        self.placement = placement
        """Namespaces of accounts and pods, and the form of pods there."""
        self.private_words = private_words
        """Names of this cluster that must not be stored in results."""
        self.folder = watchdog.new_folder()
        """Private folder for logs and the like, removed with the control plane."""
        self.kubeconfig = self.folder / "kubeconfig"
        """Has a context for each identity, of the same name."""
        self._watchdog = watchdog
        self._apis: dict[str, Api] = {}
        self._tokens = self.folder / "tokens"
        self._tokens.mkdir()
        self._token_files: list[Path] = []
        self._cluster: dict[str, str] = {}
        """The API server as a kubeconfig's ``cluster`` entry."""

    @abstractmethod
    def observer(self) -> Api | None:
        """Return the connection that may read the API server's metrics, ``None`` without one."""

    @abstractmethod
    def pids(self) -> Mapping[str, int]:
        """Return the ids of the processes to sample, by their names in the samples."""

    @abstractmethod
    def check(self) -> None:
        """Raise if measuring cannot continue: a process has ended, or the time is up."""

    @abstractmethod
    def _granting(self) -> Api:
        """Return the connection that may make accounts and grant their rules."""

    def client_config(self, identity: str) -> ClientConfig:
        """Return the client configuration of ``identity`` (``admin`` or one of the accounts)."""
        return ClientConfig.load(self.kubeconfig, identity)

    def api(self, identity: str) -> Api:
        """Return a connection as ``identity``, kept until the control plane stops."""
        if identity not in self._apis:
            self._apis[identity] = Api(self.client_config(identity), connections=16)
        return self._apis[identity]

    def admit(self, identity: Identity) -> None:
        """Create an account for ``identity``, unless it has one.

        Raises ``ClusterError`` if its role does not take effect.
        """
        if self._tokens / identity.name not in self._token_files:
            self._create_account(self._granting(), identity)
            self._write_kubeconfig()
            self._await_rights(identity)

    def _write_kubeconfig(self) -> None:
        write_kubeconfig(self.kubeconfig, self._cluster, self._admin, self._token_files)

    def _create_account(
        self, api: Api, identity: Identity, lifetime_s: int = TOKEN_LIFETIME_S
    ) -> None:
        """Create the account with its rules, and write its token to a file."""
        create_account(api, identity.name, self._rules(identity), self.placement.scope)
        file, namespace = self._tokens / identity.name, self.placement.home
        write_token(api, identity.name, file, namespace=namespace, lifetime_s=lifetime_s)
        self._token_files.append(file)

    def _await_rights(self, identity: Identity) -> None:
        rule, home = self._rules(identity)[0], self.placement.home
        if not is_granted(self.api(identity.name), rule, home):
            raise ClusterError(
                f"the account {identity.name} in {home} was not granted its role within "
                f"{GRANTED_S:g} s: does this cluster use RBAC?"
            )

    def _rules(self, identity: Identity) -> tuple[Rule, ...]:
        if not self.placement.confined:
            return identity.rules
        return confined_rules(identity, with_status=self.placement.writes_status)

    def _remove_folder(self) -> None:
        """Close all connections and remove the folder; safe to call again."""
        for api in self._apis.values():
            api.close()
        remove_folders([self.folder])
        self._watchdog.release_folder(self.folder)
