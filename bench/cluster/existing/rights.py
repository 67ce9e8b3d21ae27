"""Rights that the person's account needs, the missing ones, and the YAML that grants them.

The file ``existing-cluster-rbac.yaml`` says it once, for people and for this module.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from bench.cluster.api import Api

REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RBAC = "rbac.authorization.k8s.io"
METRICS = "/metrics"
STATUS = "pods/status"
FINALIZE = "namespaces/finalize"
OPTIONAL = {
    STATUS: "pods have no status, are smaller, and change by an annotation",
    METRICS: "the API server's own count, its CPU and bytes are missing in the report",
    FINALIZE: "where no controller finishes the deletion of a namespace, it stays",
}
"""What can be done without, and what is lost then."""


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource (``pods``, ``pods/status``), or on a URL that is none.

    With ``names`` on the objects of these names alone.
    """

    verb: str
    target: str
    group: str = ""
    names: tuple[str, ...] = ()

    @property
    def is_url(self) -> bool:
        """Whether the target is a URL and no resource."""
        return self.target.startswith("/")


def documented() -> str:
    """Return the YAML file that says which rights are needed."""
    file = resources.files("bench.cluster") / "manifests" / "existing-cluster-rbac.yaml"
    return file.read_text(encoding="utf-8")


def needed() -> tuple[Right, ...]:
    """Return every right of the file, the optional ones among them."""
    role = next(yaml.safe_load_all(documented()))
    return tuple(right for rule in role["rules"] for right in _of_rule(rule))


def missing(api: Api, namespace: str, rights: Sequence[Right] | None = None) -> tuple[Right, ...]:
    """Ask for each right whether ``api``'s account has it, in ``namespace`` where it has one.

    For all that are needed, unless ``rights`` are given. Asking changes nothing and needs no
    right (SelfSubjectAccessReview). Raises ``ApiError``.
    """
    asked = needed() if rights is None else rights
    return tuple(right for right in asked if not _allowed(api, right, namespace))


def in_words(rights: Sequence[Right]) -> list[str]:
    """Return one text a target: what may not be done with it."""
    verbs: dict[str, list[str]] = {}
    for right in rights:
        verbs.setdefault(right.target, []).append(right.verb)
    return [f"{target} ({', '.join(each)})" for target, each in verbs.items()]


def as_yaml(rights: Sequence[Right], user: str | None) -> str:
    """Return the ClusterRole and binding that grant ``rights`` to ``user``.

    Their name is of no other rights or user: applying them takes nothing from anybody.
    """
    rules: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for right in rights:
        rules.setdefault((right.group, right.target, right.names), []).append(right.verb)
    of_these = hashlib.sha256(repr((user, sorted(rules.items()))).encode()).hexdigest()[:8]
    name = {"name": f"informer-bench-missing-{of_these}"}
    role: dict[str, Any] = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": name,
        "rules": [_rule(*at, each) for at, each in rules.items()],
    }
    binding: dict[str, Any] = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": name,
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", **name},
        "subjects": [_subject(user or "YOUR-USER")],
    }
    return "---\n".join(
        yaml.safe_dump(one, sort_keys=False, default_flow_style=None, width=100)
        for one in (role, binding)
    )


def _of_rule(rule: dict[str, list[str]]) -> list[Right]:
    if "nonResourceURLs" in rule:
        return [Right(verb, url) for url in rule["nonResourceURLs"] for verb in rule["verbs"]]
    return [
        Right(verb, resource, group, tuple(rule.get("resourceNames", ())))
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def _allowed(api: Api, right: Right, namespace: str) -> bool:
    asked: dict[str, Any] = {"nonResourceAttributes": {"path": right.target, "verb": right.verb}}
    if not right.is_url:
        resource, _, subresource = right.target.partition("/")
        about = {"verb": right.verb, "group": right.group, "resource": resource}
        if resource != "namespaces":
            about["namespace"] = namespace
        about["subresource"] = subresource
        named = [{**about, "name": name} for name in right.names] or [about]
        return all(_reviewed(api, {"resourceAttributes": attributes}) for attributes in named)
    return _reviewed(api, asked)


def _reviewed(api: Api, asked: dict[str, Any]) -> bool:
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    return bool(api.post(REVIEW, {**kind, "spec": asked})["status"]["allowed"])


def _rule(
    group: str, target: str, names: tuple[str, ...], verbs: list[str]
) -> dict[str, list[str]]:
    if target.startswith("/"):
        return {"nonResourceURLs": [target], "verbs": verbs}
    rule = {"apiGroups": [group], "resources": [target], "verbs": verbs}
    return {**rule, "resourceNames": list(names)} if names else rule


def _subject(user: str) -> dict[str, str]:
    kind, _, rest = user.partition(":serviceaccount:")
    if kind == "system" and ":" in rest:
        namespace, _, name = rest.partition(":")
        return {"kind": "ServiceAccount", "namespace": namespace, "name": name}
    return {"apiGroup": RBAC, "kind": "User", "name": user}
