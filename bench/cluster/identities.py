"""Accounts at the API server, and what each may do there.

Everything that is measured or measures has a ServiceAccount of its own with the
least it needs, so that the audit log and flow control see it as they would see a
real workload. Only a person (``admin``) has a client certificate.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.cluster.api import Api
from bench.cluster.certificates import KeyPair

NAMESPACE = "informer-bench"
ADMIN = "admin"
ADMIN_GROUP = "informer-bench:admins"
TOKEN_LIFETIME_S = 24 * 3600
HARNESS = "harness"
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
GRANTED_S = 20.0
"""How long an API server may take to notice a role that was bound."""
POLL_S = 0.1

EXTERNAL = "external"
"""Whoever serves pods and is not of this project. One is measured at a time, so one will do."""

Rule = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Identity:
    """A ServiceAccount and the cluster-wide rules bound to it."""

    name: str
    rules: tuple[Rule, ...]

    @property
    def user(self) -> str:
        """The user name that the audit log shows."""
        return f"system:serviceaccount:{NAMESPACE}:{self.name}"


def pod_rule(*verbs: str, subresource: str = "") -> Rule:
    """Return the rule for pods, or for a subresource of theirs."""
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
    """Return the identity's rules within one namespace that it cannot leave.

    Without those on namespaces and URLs, and without those on the status of pods
    unless ``with_status``.
    """
    left_out = {"namespaces", *(() if with_status else ("pods/status",))}
    return tuple(
        rule
        for rule in identity.rules
        if "resources" in rule and not left_out & {*rule["resources"]}
    )


def create_identities(api: Api, tokens: Path) -> dict[str, Path]:
    """Create namespace, accounts, roles and bindings; return the token file of each identity.

    ``api`` must be allowed to grant every rule. Tokens come from TokenRequest,
    which needs no controller, and are valid for ``TOKEN_LIFETIME_S``.
    """
    api.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    _bind(api, ADMIN, "cluster-admin", {"kind": "Group", "name": ADMIN_GROUP})
    files = {}
    for identity in IDENTITIES:
        create_account(api, identity)
        files[identity.name] = tokens / identity.name
        write_token(api, identity.name, files[identity.name])
    return files


def write_token(
    api: Api,
    name: str,
    file: Path,
    *,
    namespace: str = NAMESPACE,
    lifetime_s: int = TOKEN_LIFETIME_S,
) -> None:
    """Request a fresh token for the ServiceAccount ``name`` and put it into ``file`` whole."""
    answer = api.post(
        f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": lifetime_s},
        },
    )
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(answer["status"]["token"])
    fresh.replace(file)


def write_kubeconfig(
    path: Path,
    *,
    server: str,
    authority: Path | None,
    admin: KeyPair | None,
    tokens: dict[str, Path],
    server_name: str = "",
    proxy: str = "",
) -> None:
    """Write a kubeconfig with one context an identity; ``admin`` is the current one, if given."""
    users: list[dict[str, Any]] = []
    if admin is not None:
        pair = {"client-certificate": str(admin.certificate), "client-key": str(admin.key)}
        users.append({"name": ADMIN, "user": pair})
    users += [{"name": n, "user": {"tokenFile": str(file)}} for n, file in tokens.items()]
    cluster = {"server": server}
    if authority is not None:
        cluster["certificate-authority"] = str(authority)
    if server_name:
        cluster["tls-server-name"] = server_name
    if proxy:
        cluster["proxy-url"] = proxy
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAMESPACE, "cluster": cluster}],
        "users": users,
        "contexts": [
            {"name": user["name"], "context": {"cluster": NAMESPACE, "user": user["name"]}}
            for user in users
        ],
        "current-context": users[0]["name"],
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config, sort_keys=False))


def add_context(kubeconfig: Path, name: str, token: Path) -> None:
    """Add to ``kubeconfig`` a context for an account, by the file of its token."""
    document = yaml.safe_load(kubeconfig.read_text())
    document["users"].append({"name": name, "user": {"tokenFile": str(token)}})
    document["contexts"].append({"name": name, "context": {"cluster": NAMESPACE, "user": name}})
    fresh = kubeconfig.with_name(f"{kubeconfig.name}.new")  # somebody may be reading this one
    fresh.touch(mode=0o600)
    fresh.write_text(yaml.safe_dump(document, sort_keys=False))
    fresh.replace(kubeconfig)


def create_account(api: Api, identity: Identity) -> None:
    """Create the ServiceAccount with its rules, bound cluster-wide."""
    api.post(
        f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": identity.name}}
    )
    role = f"{NAMESPACE}:{identity.name}"
    api.post(
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        {"metadata": {"name": role}, "rules": list(identity.rules)},
    )
    _bind(
        api,
        identity.name,
        role,
        {"kind": "ServiceAccount", "name": identity.name, "namespace": NAMESPACE},
    )


def _bind(api: Api, name: str, role: str, subject: dict[str, str]) -> None:
    api.post(
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        {
            "metadata": {"name": f"{NAMESPACE}:{name}"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": role,
            },
            "subjects": [subject],
        },
    )


def is_granted(api: Api, rule: Rule, namespace: str, within_s: float = GRANTED_S) -> bool:
    """Wait until the account of ``api`` may do what ``rule`` says first; return whether it may.

    Roles take effect some time after they were bound: the API server reads them by watching.
    """
    about = {"namespace": namespace, "verb": rule["verbs"][0], "resource": rule["resources"][0]}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": about},
    }
    deadline = time.monotonic() + within_s
    while not api.post(REVIEW, review)["status"]["allowed"]:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
