"""Access to an existing cluster: a kubeconfig and a named context, never a guessed one."""

import hashlib
import re
import ssl
from dataclasses import dataclass

from urllib3.exceptions import SSLError

from bench.cluster.api import Api, ApiError, ApiUnreachableError
from bench.cluster.existing.errors import ClusterError
from kube_informer import ClientConfig, CredentialsError
from kube_informer.kubeconfig import Kubeconfig, listed

UNAUTHORIZED = 401
ANONYMOUS = "system:anonymous"
REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_CONNECTION = re.compile(r"^HTTPSConnection(Pool)?\(.*?\): ")
"""Prefix of urllib3's messages, which repeats the address."""
_OTHER_NAME = (62, 64)
"""OpenSSL's codes for a certificate of another host name and of another IP address."""


@dataclass(frozen=True, slots=True)
class Access:
    """A usable context: its API server and the person's connection to it."""

    context: str
    config: ClientConfig
    api: Api

    @property
    def server(self) -> str:
        """Address of the API server."""
        return self.config.server

    def fingerprint(self) -> str:
        """Return a digest that identifies the cluster and reveals nothing else of it.

        It is of its own certificate authority; "" if the cluster has no authority of its own.
        """
        authority = self.config.authority
        if authority is None:
            return ""
        return hashlib.sha256(b"informer-bench:" + authority).hexdigest()[:12]

    def version(self) -> str:
        """Return the version of Kubernetes, as a check of the access; raises ``ClusterError``."""
        try:
            return str(self.api.get("/version")["gitVersion"]).removeprefix("v")
        except ApiUnreachableError as error:
            raise self._unreachable(error) from error
        except ApiError as error:
            raise self._refused(error) from error

    def user(self) -> str | None:
        """Return the person's user name at the API server; ``None`` before Kubernetes 1.28.

        Raises ``ClusterError`` if the API server treats the person as anonymous.
        """
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            user = str(self.api.post(REVIEW, review)["status"]["userInfo"]["username"])
        except ApiError as error:
            if error.code == UNAUTHORIZED or ANONYMOUS in str(error):
                raise self._refused(error) from error
            return None
        if user == ANONYMOUS:
            raise self._anonymous()
        return user

    def _unreachable(self, error: ApiUnreachableError) -> ClusterError:
        cause = error.__cause__ or error
        detail = _CONNECTION.sub("", str(cause.args[-1] if cause.args else cause))
        reason = cause.args[0] if isinstance(cause, SSLError) else None
        server = f"the API server of context {self.context!r}, {self.server},"
        if isinstance(reason, ssl.SSLCertVerificationError) and reason.verify_code in _OTHER_NAME:
            return ClusterError(
                f"{server} is not trusted: {reason.verify_message}; does the address, or "
                "tls-server-name in the kubeconfig, belong to another server?"
            )
        if isinstance(reason, ssl.SSLCertVerificationError):
            return ClusterError(
                f"{server} is not trusted: {reason.verify_message}; has its certificate authority "
                "(certificate-authority-data in the kubeconfig) changed?"
            )
        if reason is not None:
            return ClusterError(
                f"{server} does not speak TLS properly: {detail}; is it an API server, or a "
                "proxy in front of one?"
            )
        through = " through its proxy" if self.config.proxy else ""
        return ClusterError(
            f"{server} cannot be reached{through}: {detail}; is it up, and may this machine "
            "reach it?"
        )

    def _anonymous(self) -> ClusterError:
        return ClusterError(
            f"{self.server} does not know the user of context {self.context!r}: it sends no "
            f"credentials and counts as {ANONYMOUS}, to whom nobody should grant anything"
        )

    def _refused(self, error: ApiError) -> ClusterError:
        if ANONYMOUS in str(error):
            return self._anonymous()
        if error.code == UNAUTHORIZED:
            return ClusterError(
                f"{self.server} does not accept the credentials of context {self.context!r} "
                "(401): they have expired or been withdrawn; log in again"
            )
        return ClusterError(f"{self.server} refuses context {self.context!r}: {error}")


def contexts(kubeconfig: str | None) -> str:
    """Return a text that lists the contexts of ``kubeconfig`` (``None``: of kubectl's files).

    Raises ``ClusterError`` if it cannot be read.
    """
    try:
        config = Kubeconfig.read(kubeconfig)
    except CredentialsError as error:
        raise ClusterError(str(error)) from error
    return f"in {config} there are: {listed(list(config.contexts))}"


def open_access(kubeconfig: str | None, context: str) -> Access:
    """Return access to the cluster of ``context``.

    An exec plugin may run; sends no request to the cluster. Raises ``ClusterError`` for
    a context that does not exist or has no credentials.
    """
    try:
        config = ClientConfig.load(kubeconfig, context)
        _check_private(config)
        # One connection: if several API servers share an address, one answers all our requests.
        return Access(context, config, Api(config, connections=1))
    except CredentialsError as error:
        raise ClusterError(f"context {context!r} cannot be used: {error}") from error


def _check_private(config: ClientConfig) -> None:
    """Refuse to send tokens to an unverified server; raises ``ClusterError``."""
    if not config.server.startswith("https:"):
        raise ClusterError(
            f"context {config.context!r} leads to {config.server}: tokens are sent over https only"
        )
    if config.insecure:
        raise ClusterError(
            f"context {config.context!r} does not verify its server (insecure-skip-tls-verify): "
            "tokens are not sent to an unverified server; put certificate-authority-data into it"
        )
