"""Rights that the person's account needs, the missing ones, and the YAML that grants them.

The file ``existing-cluster-rbac.yaml`` is the only list of them, for people and this module.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from bench.cluster.api import Api
from bench.cluster.existing.errors import ClusterError
from bench.cluster.identities import RBAC, Rule
from bench.supervision.waiting import wait_until

CLUSTER_ROLE = "informer-bench"
"""Bound for the whole cluster if the run makes a namespace."""
NAMESPACE_ROLE = "informer-bench-namespace"
"""Bound in the namespace: by the run if it made it, by an admin if it is handed over."""
METRICS_ROLE = "informer-bench-metrics"
FORM = "informer-bench/form"
"""Label of objects that only one form needs: a namespace that is made, or one handed over."""
OWN_BINDING = "informer-bench-run"
"""Binds ``NAMESPACE_ROLE`` to the person in the namespace that a run made."""
METRICS = "/metrics"
STATUS = "pods/status"
FINALIZE = "namespaces/finalize"
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
GRANTED_S, POLL_S = 20.0, 0.1
"""How long an API server may take to apply a new role binding."""
OPTIONAL = {
    STATUS: "pods have no status, are smaller, and change by an annotation",
    METRICS: "the API server's own count, its CPU and bytes are missing in the report",
    FINALIZE: "where no controller finishes the deletion of a namespace, it stays",
}
"""Optional rights, and the loss without each."""


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource (``pods``, ``pods/status``) or on a non-resource URL.

    With ``names``, only on the objects of these names.
    """

    verb: str
    target: str
    group: str = ""
    names: tuple[str, ...] = ()


def documented() -> list[dict[str, Any]]:
    """Return the objects of the YAML file that lists the needed rights."""
    file = resources.files("bench.cluster") / "manifests" / "existing-cluster-rbac.yaml"
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def needed(role: str) -> tuple[Right, ...]:
    """Return every right of a ClusterRole of the file, including optional ones."""
    (rules,) = (
        document["rules"]
        for document in documented()
        if (document["kind"], document["metadata"]["name"]) == ("ClusterRole", role)
    )
    return _of_rules(rules)


def missing(api: Api, namespace: str, rights: Sequence[Right]) -> tuple[Right, ...]:
    """Return the ``rights`` that ``api``'s account lacks in ``namespace``; "": everywhere.

    The query (SelfSubjectAccessReview) changes nothing and needs no right. Raises ``ApiError``.
    """
    return tuple(right for right in rights if not _has_right(api, right, namespace))


def missing_for_run(api: Api, namespace: str, *, is_handed_over: bool) -> tuple[Right, ...]:
    """Return the rights that a run in ``namespace`` lacks, including optional ones.

    In a namespace that is not made yet, the account has the rights that it may bind to itself.
    Raises ``ApiError``.
    """
    inside = missing(api, namespace, needed(NAMESPACE_ROLE))
    metrics = missing(api, "", needed(METRICS_ROLE))
    if is_handed_over:
        return (*inside, *metrics)
    outside = missing(api, "", needed(CLUSTER_ROLE))
    if not _required(inside):  # held everywhere: none needs a binding
        outside = tuple(right for right in outside if right.target != "clusterroles")
    elif not any(right.target == "clusterroles" for right in outside):
        role = api.find(f"/apis/{RBAC}/v1/clusterroles/{NAMESPACE_ROLE}") or {}
        bound = _of_rules(role.get("rules") or [])
        inside = tuple(right for right in inside if right not in bound)
    return (*outside, *inside, *metrics)


def hold_rights(api: Api, namespace: str, user: str | None) -> None:
    """Bind ``NAMESPACE_ROLE`` to ``user`` in ``namespace``, unless its rights are held.

    Raises ``ClusterError`` if the cluster does not name the user, or does not grant the role.
    """
    required = _required(needed(NAMESPACE_ROLE))
    if not missing(api, namespace, required):
        return
    if user is None:
        raise ClusterError(
            "this cluster does not report your user name (Kubernetes before 1.28), so that no "
            "role can be bound to you: have a namespace handed over (--namespace)"
        )
    binding = {
        "metadata": {"name": OWN_BINDING},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": NAMESPACE_ROLE},
        "subjects": [subject_of(user)],
    }
    api.ensure(f"/apis/{RBAC}/v1/namespaces/{namespace}/rolebindings", binding)
    if lacking := _still_missing(api, namespace, required):
        raise ClusterError(
            f"the role {NAMESPACE_ROLE} was bound in {namespace}, and {GRANTED_S:g} s later "
            f"still lacks {', '.join(in_words(lacking))}: does this cluster use RBAC?"
        )


def is_granted(api: Api, rule: Rule, namespace: str) -> bool:
    """Wait until ``api``'s account has the first right of ``rule``; return whether it has it."""
    return not _still_missing(api, namespace, _of_rules([rule])[:1])


def _still_missing(api: Api, namespace: str, rights: Sequence[Right]) -> tuple[Right, ...]:
    """Return the missing rights after a wait: the API server learns of roles by a watch."""
    wait_until(lambda: not missing(api, namespace, rights), GRANTED_S, POLL_S)
    return missing(api, namespace, rights)


def refuse_without(
    lacking: Sequence[Right], context: str, user: str | None, handed_over: str | None = None
) -> None:
    """Raise ``ClusterError`` if ``user`` lacks a required right.

    The message has the YAML that grants all, in the namespace ``handed_over`` or in a run's own.
    """
    required = in_words(_required(lacking))
    if not required:
        return
    spared = in_words([right for right in lacking if right.target in OPTIONAL])
    listed = "\n  ".join(required)
    optional = f"It also grants optional rights: {', '.join(spared)}. " if spared else ""
    other = (
        "An admin can also hand over a namespace (--namespace), which needs no right to make "
        "namespaces or roles elsewhere: part 2b of that file"
        if handed_over is None
        else "A run can also make its own namespace: part 2a of that file"
    )
    raise ClusterError(
        f"context {context!r} lacks rights on this cluster:\n  {listed}\n"
        f"Somebody who may grant them can apply this (kubectl apply -f FILE). {optional}All needed "
        f"rights, with reasons: bench/cluster/manifests/existing-cluster-rbac.yaml. {other}"
        f"\n\n{as_yaml(user, handed_over)}"
    )


def in_words(rights: Sequence[Right]) -> list[str]:
    """Return one text per target: its name and the verbs."""
    by_target: dict[str, dict[str, None]] = {}
    for right in rights:
        by_target.setdefault(right.target, {})[right.verb] = None
    return [f"{target} ({', '.join(verbs)})" for target, verbs in by_target.items()]


def as_yaml(user: str | None, handed_over: str | None = None) -> str:
    """Return the YAML that grants ``user`` all rights of one of the file's two forms.

    The form is a namespace that the run makes, or the namespace ``handed_over``. Bindings are
    named after their user, so that applying them replaces nobody else's.
    """
    subject = subject_of(user or "YOUR-USER")
    of_user = hashlib.sha256(repr(subject).encode()).hexdigest()[:8]
    form = "made" if handed_over is None else "handed-over"
    parts = [part for part in documented() if _form(part, form) == form]
    for part in parts:
        metadata = part["metadata"]
        if part["kind"] == "Namespace":
            metadata["name"] = handed_over
        if "namespace" in metadata:
            metadata["namespace"] = handed_over
        if "subjects" in part:
            metadata["name"] += f"-{of_user}"
            part["subjects"] = [subject]
    return "---\n".join(
        yaml.safe_dump(part, sort_keys=False, default_flow_style=None, width=100) for part in parts
    )


def _required(rights: Sequence[Right]) -> tuple[Right, ...]:
    return tuple(right for right in rights if right.target not in OPTIONAL)


def _form(part: dict[str, Any], default: str) -> str:
    """Return the form that ``part`` belongs to; ``default`` if it belongs to both."""
    return str(part["metadata"].get("labels", {}).get(FORM, default))


def _of_rules(rules: Sequence[dict[str, list[str]]]) -> tuple[Right, ...]:
    return tuple(
        Right(verb, target, group, tuple(rule.get("resourceNames", ())))
        for rule in rules
        for group in rule.get("apiGroups", [""])
        for target in (*rule.get("resources", ()), *rule.get("nonResourceURLs", ()))
        for verb in rule["verbs"]
    )


def _has_right(api: Api, right: Right, namespace: str) -> bool:
    if right.target.startswith("/"):
        return _granted(api, {"nonResourceAttributes": {"path": right.target, "verb": right.verb}})
    resource, _, subresource = right.target.partition("/")
    attributes = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": namespace,
    }
    reviews = [{**attributes, "name": name} for name in right.names] or [attributes]
    return all(_granted(api, {"resourceAttributes": review}) for review in reviews)


def _granted(api: Api, spec: dict[str, Any]) -> bool:
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    return bool(api.post(REVIEW, {**kind, "spec": spec})["status"]["allowed"])


def subject_of(user: str) -> dict[str, str]:
    """Return ``user`` as a binding names it."""
    kind, _, rest = user.partition(":serviceaccount:")
    if kind == "system" and ":" in rest:
        namespace, _, name = rest.partition(":")
        return {"kind": "ServiceAccount", "namespace": namespace, "name": name}
    return {"apiGroup": RBAC, "kind": "User", "name": user}
