"""Accounts at the API server, and the rights of each.

Every measured or measuring process has its own ServiceAccount with the least rights it
needs, so that the audit log and flow control treat it as a real workload. Only a person
(``admin``) has a client certificate.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.cluster.api import Api
from bench.cluster.certificates import KeyPair, write_private
from bench.cluster.existing.namespace import MANAGED_BY, OURS

NAMESPACE = "informer-bench"
ADMIN = "admin"
ADMIN_GROUP = "informer-bench:admins"
TOKEN_LIFETIME_S = 24 * 3600
HARNESS = "harness"
RBAC = "rbac.authorization.k8s.io"

EXTERNAL = "external"
"""Account of all servers that are not this project's: only one is measured at a time."""

Rule = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Identity:
    """A ServiceAccount and the cluster-wide rules bound to it."""

    name: str
    rules: tuple[Rule, ...]


def pod_rule(*verbs: str, subresource: str = "") -> Rule:
    """Return the rule for pods, or for their ``subresource``."""
    resource = f"pods/{subresource}" if subresource else "pods"
    return {"apiGroups": [""], "resources": [resource], "verbs": list(verbs)}


IDENTITIES: tuple[Identity, ...] = (  # observers bring their own
    Identity("informer", (pod_rule("get", "list", "watch"),)),
    Identity("direct", (pod_rule("get", "list"),)),
    Identity(EXTERNAL, (pod_rule("get", "list", "watch"),)),
    Identity(
        "churn",
        (pod_rule("create", "delete", "patch"), pod_rule("patch", "update", subresource="status")),
    ),
    Identity(
        HARNESS,
        (
            pod_rule("create", "delete", "get", "list"),
            pod_rule("patch", "update", subresource="status"),
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create", "get"]},
            {"nonResourceURLs": ["/metrics", "/readyz", "/version"], "verbs": ["get"]},
        ),
    ),
)


def confined_rules(identity: Identity, *, with_status: bool) -> tuple[Rule, ...]:
    """Return the identity's rules within one namespace.

    Rules on namespaces and URLs are left out, and rules on the status of pods unless
    ``with_status``.
    """
    left_out = {"namespaces", *(() if with_status else ("pods/status",))}
    return tuple(
        rule
        for rule in identity.rules
        if "resources" in rule and not left_out & {*rule["resources"]}
    )


def write_token(
    api: Api,
    name: str,
    file: Path,
    *,
    namespace: str = NAMESPACE,
    lifetime_s: int = TOKEN_LIFETIME_S,
) -> None:
    """Request a new token for the ServiceAccount ``name`` and write it to ``file`` atomically."""
    answer = api.post(
        f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": lifetime_s},
        },
    )
    write_private(file, answer["status"]["token"].encode())


def write_kubeconfig(
    path: Path, cluster: Mapping[str, str], admin: KeyPair | None, tokens: Iterable[Path]
) -> None:
    """Write a kubeconfig atomically: ``cluster`` as is, and a context for each of ``tokens``.

    A context has the name of its token file; that of ``admin`` is the current one, if given.
    """
    users: list[dict[str, Any]] = []
    if admin is not None:
        pair = {"client-certificate": str(admin.certificate), "client-key": str(admin.key)}
        users.append({"name": ADMIN, "user": pair})
    users += [{"name": file.name, "user": {"tokenFile": str(file)}} for file in tokens]
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAMESPACE, "cluster": dict(cluster)}],
        "users": users,
        "contexts": [
            {"name": user["name"], "context": {"cluster": NAMESPACE, "user": user["name"]}}
            for user in users
        ],
        "current-context": users[0]["name"],
    }
    write_private(path, yaml.safe_dump(config, sort_keys=False).encode())


def create_account(api: Api, name: str, rules: Sequence[Rule], namespace: str | None) -> None:
    """Create the ServiceAccount ``name`` with ``rules``, which ``api`` must be allowed to grant.

    They are bound in ``namespace`` alone, or cluster-wide without one.
    """
    home = namespace or NAMESPACE
    role = name if namespace else f"{NAMESPACE}:{name}"
    kind = "roles" if namespace else "clusterroles"
    api.post(f"/api/v1/namespaces/{home}/serviceaccounts", _named(name))
    api.post(f"{_rbac(namespace)}/{kind}", {**_named(role), "rules": list(rules)})
    bind(api, role, {"kind": "ServiceAccount", "name": name, "namespace": home}, namespace)


def grant(api: Api, account: str, rules: Sequence[Rule], what: str) -> None:
    """Grant one of our accounts more rules, cluster-wide; ``what`` names the role."""
    role = f"{NAMESPACE}:{account}-{what}"
    api.post(f"{_rbac(None)}/clusterroles", {**_named(role), "rules": list(rules)})
    bind(api, role, {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE})


def bind(
    api: Api, role: str, subject: dict[str, str], namespace: str | None = None, name: str = ""
) -> None:
    """Bind ``role`` to ``subject`` in ``namespace`` or cluster-wide; ``name`` defaults to it."""
    kind = "Role" if namespace else "ClusterRole"
    reference = {"apiGroup": RBAC, "kind": kind, "name": role}
    api.post(
        f"{_rbac(namespace)}/{kind.lower()}bindings",
        {**_named(name or role), "roleRef": reference, "subjects": [subject]},
    )


def _rbac(namespace: str | None) -> str:
    return f"/apis/{RBAC}/v1" + (f"/namespaces/{namespace}" if namespace else "")


def _named(name: str) -> dict[str, dict[str, Any]]:
    return {"metadata": {"name": name, "labels": {MANAGED_BY: OURS}}}
