"""Access to the dump: the account's right to it, the number of API servers, the round trip."""

import socket
import time
from urllib.parse import urlsplit

import yaml

from bench.cluster.api import Api, ApiError
from bench.cluster.existing.access import Access
from bench.cluster.existing.errors import ClusterError
from bench.cluster.existing.rights import Right, missing, subject_of
from bench.cluster.identities import RBAC
from bench.top.dump import PATH
from kube_informer import ClientConfig

ROLE = "informer-bench-top"
ENDPOINTS = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
"""The slice that API servers write their addresses into (``pkg/controlplane/reconcilers``)."""
HANDSHAKES, HTTPS = 3, 443


def check_access(access: Access) -> None:
    """Raise ``ClusterError`` with the RBAC to apply if the account may not read the dump."""
    if not missing(access.api, "", (Right("get", PATH),)):
        return
    raise ClusterError(
        f"context {access.context!r} may not read {PATH}. Somebody who may grant it can apply "
        f"this (kubectl apply -f FILE):\n\n{grant(access.user())}"
    )


def grant(user: str | None) -> str:
    """Return the YAML that permits ``user`` to read the dump, and nothing else."""
    role = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": ROLE},
        "rules": [{"nonResourceURLs": [PATH], "verbs": ["get"]}],
    }
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": ROLE},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": ROLE},
        "subjects": [subject_of(user or "YOUR-USER")],
    }
    return yaml.safe_dump_all([role, binding], sort_keys=False, default_flow_style=None, width=100)


def api_servers(api: Api) -> int | None:
    """Return the number of API servers; ``None`` if the account may not read it."""
    try:
        endpoints = api.get(ENDPOINTS).get("endpoints") or []
    except ApiError:
        return None
    return sum(len(endpoint.get("addresses", ())) for endpoint in endpoints)


def trip_s(config: ClientConfig) -> float:
    """Return the round trip to the API server in seconds: the quickest TCP handshake.

    0 if it is unknown. It is too short if a machine in between answers the handshake itself.
    """
    if config.proxy:
        return 0.0
    address, took_s = urlsplit(config.server), []
    port = address.port or HTTPS
    try:
        # resolved first, since that takes time too
        *_, (host, *_) = socket.getaddrinfo(address.hostname, port, type=socket.SOCK_STREAM)[0]
        for _ in range(HANDSHAKES):
            begin = time.monotonic()
            with socket.create_connection((str(host), port), timeout=3):
                took_s.append(time.monotonic() - begin)
    except OSError:
        return 0.0
    return min(took_s)
