"""Checks of a kubeconfig and of the API server it names, before anything is served.

Whatever is wrong becomes one line that says what, where and what to do.
"""

import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml
from kubernetes.client import Configuration
from kubernetes.config import ConfigException, load_kube_config

from kube_informer.credentials import bearer_header
from kube_informer.errors import CredentialsError
from kube_informer.redaction import redact

CONNECT_TIMEOUT_S = 3.0


class KubeconfigError(Exception):
    """The kubeconfig, or the context wanted of it, cannot be used."""


class ApiServerAwayError(Exception):
    """Nothing that can be talked to is at the API server's address."""


class _Cluster(msgspec.Struct):
    server: str


class _NamedCluster(msgspec.Struct):
    name: str
    cluster: _Cluster


class _Context(msgspec.Struct):
    cluster: str
    user: str


class _NamedContext(msgspec.Struct):
    name: str
    context: _Context


class _NamedUser(msgspec.Struct):
    name: str
    user: dict[str, object] | None = None


class _Kubeconfig(msgspec.Struct, rename={"current_context": "current-context"}):
    contexts: list[_NamedContext]
    clusters: list[_NamedCluster]
    users: list[_NamedUser]
    current_context: str | None = None


def choose_context(path: Path, wanted: str | None, identity: str) -> str:
    """Return ``wanted`` if given, else ``identity`` if such a context exists, else the current one.

    Raise :class:`KubeconfigError` if the file cannot be read, has no such context,
    or lacks the user that the context names: the official client would go on as
    nobody then.
    """
    document = _read(path)
    users = {context.name: context.context.user for context in document.contexts}
    names = list(users)
    context = wanted or (identity if identity in names else document.current_context)
    if not context:
        raise KubeconfigError(f"{path} has no current context; choose one with --context")
    if context not in names:
        raise KubeconfigError(
            f"{path} has no context {context!r}; it has {', '.join(names) or 'none'} (--context)"
        )
    if users[context] not in [user.name for user in document.users]:
        raise KubeconfigError(
            f"context {context!r} of {path} names the user {users[context]!r}, who is not in it"
        )
    return context


def load(path: Path, context: str) -> Configuration:
    """Return the official client's configuration; raise :class:`KubeconfigError`."""
    configuration = Configuration()
    try:
        load_kube_config(  # type: ignore[no-untyped-call]  # the client has no types here
            str(path), context, client_configuration=configuration, persist_config=False
        )
        _trim_token(configuration, f"the token of context {context!r} in {path}")
    except CredentialsError as error:
        raise KubeconfigError(str(error)) from error
    except (ConfigException, OSError, ValueError) as error:
        reason = f"context {context!r} of {path} cannot be used: {error}"
        raise KubeconfigError(redact(reason)) from error
    return configuration


def _trim_token(configuration: Any, origin: str) -> None:  # noqa: ANN401 - its hook has no type
    """Trim the token now and whenever the official client renews it; raise ``CredentialsError``."""
    renew = configuration.refresh_api_key_hook

    def trim(renewed: Any) -> None:  # noqa: ANN401 - likewise
        if renew is not None:
            renew(renewed)
        token = renewed.api_key.get("BearerToken", "")
        if token.startswith("Bearer "):
            header = bearer_header(token.removeprefix("Bearer "), origin)
            renewed.api_key["BearerToken"] = header
        renewed.refresh_api_key_hook = trim  # to renew puts the client's own there again

    trim(configuration)


def check_reachable(configuration: Configuration) -> None:
    """Connect to the API server and hang up; raise :class:`ApiServerAwayError`.

    No request is sent, so this shows in no ledger. Behind a proxy nothing is checked.
    """
    if configuration.proxy:
        return
    address = urlsplit(configuration.host)
    port = address.port or (443 if address.scheme == "https" else 80)
    host = address.hostname or ""
    try:
        with socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S) as plain:
            if address.scheme == "https":
                name = configuration.tls_server_name or host
                _tls(configuration).wrap_socket(plain, server_hostname=name).close()
    except OSError as error:
        raise ApiServerAwayError(
            f"the API server at {configuration.host} cannot be reached: {error}"
        ) from error


def _tls(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context


def _read(path: Path) -> _Kubeconfig:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return msgspec.convert(document, _Kubeconfig)
    except OSError as error:
        reason = error.strerror or str(error)
        raise KubeconfigError(f"cannot read {path}: {reason} (--kubeconfig)") from error
    except UnicodeDecodeError as error:
        raise KubeconfigError(f"{path} is not a kubeconfig: {error}") from error
    except yaml.YAMLError as error:
        first = " ".join(str(error).split())
        raise KubeconfigError(f"{path} is not YAML: {first}") from error
    except msgspec.ValidationError as error:
        raise KubeconfigError(f"{path} is not a kubeconfig: {error}") from error
