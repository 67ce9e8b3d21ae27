"""Whether this account may read the dump, how many API servers there are, and how far away."""

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
"""What the API servers write their addresses into (``pkg/controlplane/reconcilers``)."""
HANDSHAKES, HTTPS = 3, 443


def check_access(access: Access) -> None:
    """Raise ``ClusterError`` with the RBAC to apply where the account may not read the dump."""
    if not missing(access.api, "", (Right("get", PATH),)):
        return
    raise ClusterError(
        f"context {access.context!r} may not read {PATH}. Somebody who may grant it can apply "
        f"this (kubectl apply -f FILE):\n\n{grant(access.user())}"
    )


def grant(user: str | None) -> str:
    """Return the YAML that lets ``user`` read the dump, and nothing else."""
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
    """Return how many API servers there are; ``None`` where that may not be read."""
    try:
        endpoints = api.get(ENDPOINTS).get("endpoints") or []
    except ApiError:
        return None
    return sum(len(one.get("addresses", ())) for one in endpoints)


def trip_s(config: ClientConfig) -> float:
    """Return how long the way to the API server and back takes: the quickest TCP handshake.

    0 where that is not known; what stands in between and answers itself makes it too short.
    """
    if config.proxy:
        return 0.0
    address, took_s = urlsplit(config.server), []
    port = address.port or HTTPS
    try:
        # resolved before, because that takes time of its own
        *_, (host, *_) = socket.getaddrinfo(address.hostname, port, type=socket.SOCK_STREAM)[0]
        for _ in range(HANDSHAKES):
            begin = time.monotonic()
            with socket.create_connection((str(host), port), timeout=3):
                took_s.append(time.monotonic() - begin)
    except OSError:
        return 0.0
    return min(took_s)
