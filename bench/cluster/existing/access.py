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
"""What urllib3 puts before its words: the address once more."""
_OTHER_NAME = (62, 64)
"""OpenSSL's codes for a certificate of another host name and of another IP address."""


@dataclass(frozen=True, slots=True)
class Access:
    """A context that can be used: where it leads and how to be the person there."""

    context: str
    config: ClientConfig
    api: Api

    @property
    def server(self) -> str:
        """Address of the API server."""
        return self.config.server

    def fingerprint(self) -> str:
        """Return what is the same for the same cluster and tells nothing else of it.

        Of its certificate authority; "" where that is one that many clusters share.
        """
        authority = self.config.authority
        if authority is None:
            return ""
        return hashlib.sha256(b"informer-bench:" + authority).hexdigest()[:12]

    def version(self) -> str:
        """Return the version of Kubernetes; shows that the server answers and knows the person.

        Raises ``ClusterError``.
        """
        try:
            return str(self.api.get("/version")["gitVersion"]).removeprefix("v")
        except ApiUnreachableError as error:
            raise self._unreachable(error) from error
        except ApiError as error:
            raise self._refused(error) from error

    def user(self) -> str | None:
        """Return whom the API server takes the person for; ``None`` before Kubernetes 1.28.

        Raises ``ClusterError`` if it takes the person for nobody in particular.
        """
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            user = str(self.api.post(REVIEW, review)["status"]["userInfo"]["username"])
        except ApiError as error:
            if error.code == UNAUTHORIZED or ANONYMOUS in str(error):
                raise self._refused(error) from error
            return None
        if user == ANONYMOUS:
            raise self._not_known()
        return user

    def _unreachable(self, error: ApiUnreachableError) -> ClusterError:
        cause = error.__cause__ or error
        told = _CONNECTION.sub("", str(cause.args[-1] if cause.args else cause))
        reason = cause.args[0] if isinstance(cause, SSLError) else None
        whose = f"the API server of context {self.context!r}, {self.server},"
        if isinstance(reason, ssl.SSLCertVerificationError) and reason.verify_code in _OTHER_NAME:
            return ClusterError(
                f"{whose} is not trusted: {reason.verify_message}; does the address, or "
                "tls-server-name in the kubeconfig, belong to another server?"
            )
        if isinstance(reason, ssl.SSLCertVerificationError):
            return ClusterError(
                f"{whose} is not trusted: {reason.verify_message}; is its certificate authority "
                "(certificate-authority-data in the kubeconfig) another one by now?"
            )
        if reason is not None:
            return ClusterError(
                f"{whose} does not speak TLS as it should: {told}; is it an API server, or a "
                "proxy in front of one?"
            )
        through = " through its proxy" if self.config.proxy else ""
        return ClusterError(
            f"{whose} cannot be reached{through}: {told}; is it up, and is this machine let "
            "through to it?"
        )

    def _not_known(self) -> ClusterError:
        return ClusterError(
            f"{self.server} does not know who context {self.context!r} is: it came without "
            f"credentials and counts as {ANONYMOUS}, to whom nobody should grant anything"
        )

    def _refused(self, error: ApiError) -> ClusterError:
        if ANONYMOUS in str(error):
            return self._not_known()
        if error.code == UNAUTHORIZED:
            return ClusterError(
                f"{self.server} does not accept the credentials of context {self.context!r} "
                "(401): they have expired or been withdrawn; log in again"
            )
        return ClusterError(f"{self.server} refuses context {self.context!r}: {error}")


def contexts(kubeconfig: str | None) -> str:
    """Return, for a message, the contexts of ``kubeconfig`` (``None``: of those kubectl reads).

    Raises ``ClusterError`` if it cannot be read.
    """
    try:
        found = Kubeconfig.read(kubeconfig)
    except CredentialsError as error:
        raise ClusterError(str(error)) from error
    return f"in {found} there are: {listed(list(found.contexts))}"


def open_access(kubeconfig: str | None, context: str) -> Access:
    """Return the way to the cluster of ``context``.

    An exec plugin may run; nothing is asked of the cluster yet. Raises ``ClusterError`` for
    a context that is not there or whose credentials cannot be had.
    """
    try:
        config = ClientConfig.load(kubeconfig, context)
        _check_private(config)
        # One connection: where several API servers share an address, all we ask reaches the same.
        return Access(context, config, Api(config, connections=1))
    except CredentialsError as error:
        raise ClusterError(f"context {context!r} cannot be used: {error}") from error


def _check_private(config: ClientConfig) -> None:
    """Refuse to hand tokens of a cluster to whoever may answer; raises ``ClusterError``."""
    if not config.server.startswith("https:"):
        raise ClusterError(
            f"context {config.context!r} leads to {config.server}: tokens are sent over https only"
        )
    if config.insecure:
        raise ClusterError(
            f"context {config.context!r} does not verify its server (insecure-skip-tls-verify): "
            "tokens are not sent to whoever may answer; put certificate-authority-data into it"
        )
