"""The person's own way to a cluster: a kubeconfig and a context that was named, never guessed."""

import difflib
import hashlib
import logging
import os
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import yaml
from kubernetes.client import Configuration
from kubernetes.config import ConfigException, kube_config
from urllib3.exceptions import SSLError
from urllib3.util.ssl_match_hostname import CertificateError

from bench.cluster.api import Api, ApiError, ApiUnreachableError, Credentials
from bench.cluster.certificates import KeyPair
from bench.cluster.existing.errors import ClusterError

UNAUTHORIZED = 401
ANONYMOUS = "system:anonymous"
LISTED = 20
"""Contexts that a message names at most."""
REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_CONNECTION = re.compile(r"^HTTPSConnection(Pool)?\(.*?\): ")
"""What urllib3 puts before its words: the address once more."""
_ENTRY = re.compile(r"/?\{.*\}")
"""An entry of a kubeconfig as the client library names it in its errors: all of it."""


@dataclass(frozen=True, slots=True)
class Access:
    """A context that can be used: where it leads and how to be the person there."""

    context: str
    credentials: Credentials
    api: Api

    @property
    def server(self) -> str:
        """Address of the API server."""
        return self.credentials.server

    def fingerprint(self) -> str:
        """Return what is the same for the same cluster and tells nothing else of it.

        Of its certificate authority; "" where that is one that many clusters share.
        """
        authority = self.credentials.authority
        if authority is None:
            return ""
        return hashlib.sha256(b"informer-bench:" + authority.read_bytes()).hexdigest()[:12]

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
        if isinstance(reason, CertificateError):
            return ClusterError(
                f"{whose} is not trusted: {reason}; does the address, or tls-server-name in the "
                "kubeconfig, belong to another server?"
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
        return ClusterError(
            f"{whose} cannot be reached: {told}; is it up, and is this machine let through to it?"
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


def default_kubeconfig() -> str:
    """Return where kubectl would look: ``$KUBECONFIG`` (files joined by ``:``), ~/.kube/config."""
    return os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def contexts(kubeconfig: str) -> list[str]:
    """Return the names of the contexts there are. Raises ``ClusterError``."""
    for name in kubeconfig.split(os.pathsep):
        if name and not Path(name).expanduser().is_file():
            raise ClusterError(f"there is no kubeconfig {name} (--kubeconfig, $KUBECONFIG)")
    names = list(_entries(kubeconfig, "contexts"))
    if not names:
        raise ClusterError(f"{kubeconfig} is not a kubeconfig: it has no contexts")
    return names


def _entries(kubeconfig: str, kind: str) -> dict[str, Mapping[str, Any]]:
    """Return what the files together have of ``kind`` (``contexts``, ``users``), by its name."""
    merger: Any = kube_config.KubeConfigMerger
    try:
        found = merger(kubeconfig).config.value[kind]
        entries = {str(one["name"]): one.value.get(kind.removesuffix("s")) for one in found or ()}
    except (ConfigException, OSError, ValueError, yaml.YAMLError) as error:
        raise ClusterError(f"{kubeconfig} is not a kubeconfig: {_told(error)}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise ClusterError(f"{kubeconfig} is not a kubeconfig: it has no {kind}") from error
    return {name: one if isinstance(one, Mapping) else {} for name, one in entries.items()}


def listed(names: Sequence[str]) -> str:
    """Return the names of contexts for a message: the first ``LISTED`` of them."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f", and {more} more" if more > 0 else "")


def open_access(kubeconfig: str, context: str, folder: Path) -> Access:
    """Return the way to the cluster of ``context``; ``folder`` keeps key material, privately.

    Nothing is asked of the cluster yet. Raises ``ClusterError`` for a context that is not
    there or whose credentials cannot be had.
    """
    known = contexts(kubeconfig)
    if context not in known:
        near = difflib.get_close_matches(context, known, n=1, cutoff=0.7)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ClusterError(
            f"there is no context {context!r} in {kubeconfig}{hint} (there are: {listed(known)})"
        )
    _check_entries(kubeconfig, context)
    configuration = _load(kubeconfig, context, folder)
    credentials = _credentials(configuration, context, folder)
    # One connection: where several API servers share an address, all we ask reaches the same.
    return Access(context, credentials, Api(credentials, connections=1))


def _check_entries(kubeconfig: str, context: str) -> None:
    """Refuse a context that leads nowhere or names nobody, who would be taken for anybody."""
    entry = _entries(kubeconfig, "contexts")[context]
    for kind, needed in (("cluster", "server"), ("user", None)):
        name = entry.get(kind)
        if not name:
            raise ClusterError(f"context {context!r} in {kubeconfig} names no {kind}")
        known = _entries(kubeconfig, f"{kind}s")
        if str(name) not in known:
            raise ClusterError(
                f"context {context!r} names the {kind} {name!r}, which is not in {kubeconfig} "
                f"(there are: {listed(list(known))})"
            )
        if not known[str(name)] or (needed and not known[str(name)].get(needed)):
            raise ClusterError(
                f"context {context!r} cannot be used: its {kind} {name!r} in {kubeconfig} has no "
                f"{needed or 'credentials'}"
            )


def _load(kubeconfig: str, context: str, folder: Path) -> Configuration:
    configuration = Configuration()
    load: Any = kube_config.load_kube_config
    plugin = _Errors()
    root = logging.getLogger()
    root.addHandler(plugin)  # the client library only logs why a credentials plugin failed
    try:
        with _ending_children():
            load(
                kubeconfig,
                context,
                client_configuration=configuration,
                persist_config=False,
                temp_file_path=str(folder),
            )
    except (ConfigException, OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ClusterError(f"context {context!r} cannot be used: {_told(error)}") from error
    finally:
        root.removeHandler(plugin)
    if plugin.messages:
        raise ClusterError(
            f"no credentials for context {context!r} could be had: {'; '.join(plugin.messages)}"
        )
    return configuration


@contextmanager
def _ending_children() -> Iterator[None]:
    """End what was started inside, if that is left by an exception: a plugin may wait for ever."""
    here = psutil.Process()
    before = set(here.children())
    try:
        yield
    except BaseException:
        for child in set(here.children()) - before:
            with suppress(psutil.NoSuchProcess):
                child.terminate()
        raise


def _credentials(configuration: Configuration, context: str, folder: Path) -> Credentials:
    host = str(configuration.host)
    if urlsplit(host).scheme != "https":
        raise ClusterError(f"context {context!r} leads to {host}: tokens are sent over https only")
    if not configuration.verify_ssl:
        raise ClusterError(
            f"context {context!r} does not verify its server (insecure-skip-tls-verify): tokens "
            "are not sent to whoever may answer; put certificate-authority-data into it"
        )
    if configuration.proxy:
        raise ClusterError(
            f"context {context!r} goes through a proxy (proxy-url), which is not supported"
        )
    client = None
    if configuration.cert_file and configuration.key_file:
        client = KeyPair(Path(configuration.cert_file), Path(configuration.key_file))
    authority = None
    if configuration.ssl_ca_cert:
        authority = folder / "authority.crt"
        authority.write_bytes(Path(configuration.ssl_ca_cert).read_bytes())
    _check_certificates(context, authority, client)

    def token() -> str:
        value = configuration.get_api_key_with_prefix("BearerToken", alias="authorization") or ""
        return value.removeprefix("Bearer ")

    has_token = "BearerToken" in configuration.api_key or "authorization" in configuration.api_key
    return Credentials(
        host.rstrip("/"),
        authority,
        client=client,
        token=token if has_token else None,
        server_name=configuration.tls_server_name or None,
    )


def _check_certificates(context: str, authority: Path | None, client: KeyPair | None) -> None:
    """Refuse what could not be used, before it looks as if the API server were at fault."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    what = "certificate authority"
    try:
        if authority is not None:
            tls.load_verify_locations(authority)
        what = "client certificate or its key"
        if client is not None:
            # a key with a passphrase would have OpenSSL ask for it in the midst of a run
            tls.load_cert_chain(client.certificate, client.key, password=lambda: b"")
    except OSError as error:  # ssl.SSLError among them
        raise ClusterError(
            f"context {context!r} cannot be used: its {what} is not PEM that can be read: {error}"
        ) from error


class _Errors(logging.Handler):
    """Keeps what was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(" ".join(record.getMessage().split()))


def _told(error: Exception) -> str:
    """Return what an error says, without the entries of the kubeconfig: there are secrets in it."""
    return _ENTRY.sub("", " ".join(str(error).split()))
