"""The person's own way to a cluster: a kubeconfig and a context that was named, never guessed."""

import difflib
import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from kubernetes.client import Configuration
from kubernetes.config import ConfigException, kube_config

from bench.cluster.api import Api, ApiError, ApiUnreachableError, Credentials
from bench.cluster.certificates import KeyPair
from bench.cluster.existing.errors import ClusterError

UNAUTHORIZED = 401
REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


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
            raise ClusterError(
                f"the API server of context {self.context!r}, {self.server}, cannot be reached: "
                f"{error.__cause__ or error}; is it up, and is this machine let through to it?"
            ) from error
        except ApiError as error:
            raise self._refused(error) from error

    def user(self) -> str | None:
        """Return whom the API server takes the person for; ``None`` before Kubernetes 1.28."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            return str(self.api.post(REVIEW, review)["status"]["userInfo"]["username"])
        except ApiError as error:
            if error.code == UNAUTHORIZED:
                raise self._refused(error) from error
            return None

    def _refused(self, error: ApiError) -> ClusterError:
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
    merger: Any = kube_config.KubeConfigMerger
    try:
        found = merger(kubeconfig).config.value["contexts"]
        names = [str(one["name"]) for one in found or ()]
    except (ConfigException, OSError, ValueError, yaml.YAMLError) as error:
        raise ClusterError(f"{kubeconfig} is not a kubeconfig: {_first(error)}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise ClusterError(f"{kubeconfig} is not a kubeconfig: it has no contexts") from error
    if not names:
        raise ClusterError(f"{kubeconfig} is not a kubeconfig: it has no contexts")
    return names


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
            f"there is no context {context!r} in {kubeconfig}{hint} (there is {', '.join(known)})"
        )
    configuration = _load(kubeconfig, context, folder)
    credentials = _credentials(configuration, context, folder)
    # One connection: where several API servers share an address, all we ask reaches the same.
    return Access(context, credentials, Api(credentials, connections=1))


def _load(kubeconfig: str, context: str, folder: Path) -> Configuration:
    configuration = Configuration()
    load: Any = kube_config.load_kube_config
    told = _Told()
    root = logging.getLogger()
    root.addHandler(told)  # the client library only logs why a credentials plugin failed
    try:
        load(
            kubeconfig,
            context,
            client_configuration=configuration,
            persist_config=False,
            temp_file_path=str(folder),
        )
    except (ConfigException, OSError, ValueError, KeyError) as error:
        raise ClusterError(f"context {context!r} cannot be used: {_first(error)}") from error
    finally:
        root.removeHandler(told)
    if told.messages:
        raise ClusterError(
            f"no credentials for context {context!r} could be had: {'; '.join(told.messages)}"
        )
    return configuration


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


class _Told(logging.Handler):
    """Keeps what was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(" ".join(record.getMessage().split()))


def _first(error: Exception) -> str:
    return " ".join(str(error).split())
