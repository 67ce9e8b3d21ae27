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
from bench.cluster.existing.errors import ClusterError
from bench.cluster.identities import RBAC, Rule
from bench.supervision.waiting import wait_until

CLUSTER_ROLE = "informer-bench"
"""Bound for the whole cluster where the run makes a namespace."""
NAMESPACE_ROLE = "informer-bench-namespace"
"""Bound in the one namespace, by the run in its own, by an admin in one that is handed over."""
METRICS_ROLE = "informer-bench-metrics"
FORM = "informer-bench/form"
"""Label of what one form alone needs: a namespace that is made, or one that is handed over."""
OWN_BINDING = "informer-bench-run"
"""By which a run binds ``NAMESPACE_ROLE`` to the person in the namespace that it made."""
METRICS = "/metrics"
STATUS = "pods/status"
FINALIZE = "namespaces/finalize"
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
GRANTED_S, POLL_S = 20.0, 0.1
"""How long an API server may take to notice a role that was bound."""
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


def documented() -> list[dict[str, Any]]:
    """Return the objects of the YAML file that says which rights are needed."""
    file = resources.files("bench.cluster") / "manifests" / "existing-cluster-rbac.yaml"
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def needed(role: str) -> tuple[Right, ...]:
    """Return every right of a ClusterRole of the file, the optional ones among them."""
    (rules,) = (
        one["rules"]
        for one in documented()
        if (one["kind"], one["metadata"]["name"]) == ("ClusterRole", role)
    )
    return _of_rules(rules)


def missing(api: Api, namespace: str, rights: Sequence[Right]) -> tuple[Right, ...]:
    """Ask for each right whether ``api``'s account has it in ``namespace``; "": everywhere.

    Asking changes nothing and needs no right (SelfSubjectAccessReview). Raises ``ApiError``.
    """
    return tuple(right for right in rights if not _allowed(api, right, namespace))


def missing_for_run(api: Api, namespace: str, *, is_handed_over: bool) -> tuple[Right, ...]:
    """Return what lacks for a run in ``namespace``, the optional rights among it.

    Rights in a namespace that is not made yet are those that the account may bind to itself.
    Raises ``ApiError``.
    """
    inside = missing(api, namespace, needed(NAMESPACE_ROLE))
    metrics = missing(api, "", needed(METRICS_ROLE))
    if is_handed_over:
        return (*inside, *metrics)
    outside = missing(api, "", needed(CLUSTER_ROLE))
    if not _required(inside):  # held everywhere: none of them has to be bound
        outside = tuple(right for right in outside if right.target != "clusterroles")
    elif not any(right.target == "clusterroles" for right in outside):
        there = api.find(f"/apis/{RBAC}/v1/clusterroles/{NAMESPACE_ROLE}") or {}
        bound = _of_rules(there.get("rules") or [])
        inside = tuple(right for right in inside if right not in bound)
    return (*outside, *inside, *metrics)


def hold_rights(api: Api, namespace: str, user: str | None) -> None:
    """Bind the role of one namespace to ``user`` in ``namespace``, unless its rights are held.

    Raises ``ClusterError`` if the cluster does not tell who the user is, or does not grant it.
    """
    required = _required(needed(NAMESPACE_ROLE))
    if not missing(api, namespace, required):
        return
    if user is None:
        raise ClusterError(
            "this cluster does not tell who you are (Kubernetes before 1.28), so that no role can "
            "be bound to you: have a namespace handed over (--namespace)"
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
    """Wait until the account of ``api`` may do what ``rule`` says first; return whether it may."""
    return not _still_missing(api, namespace, _of_rules([rule])[:1])


def _still_missing(api: Api, namespace: str, rights: Sequence[Right]) -> tuple[Right, ...]:
    """Return what is missing after a wait: the API server learns of roles by watching them."""
    wait_until(lambda: not missing(api, namespace, rights), GRANTED_S, POLL_S)
    return missing(api, namespace, rights)


def refuse_without(
    lacking: Sequence[Right], context: str, user: str | None, handed_over: str | None = None
) -> None:
    """Raise ``ClusterError`` if one of the rights that ``user`` lacks is needed.

    It tells what grants all rights: in the namespace ``handed_over``, or in one that a run makes.
    """
    required = in_words(_required(lacking))
    if not required:
        return
    spared = in_words([right for right in lacking if right.target in OPTIONAL])
    listed = "\n  ".join(required)
    optional = f"It grants what can be done without, too: {', '.join(spared)}. " if spared else ""
    other = (
        "An admin can also hand over a namespace (--namespace), where no right to make namespaces "
        "or roles elsewhere is needed: part 2b of that file"
        if handed_over is None
        else "A run can also make a namespace of its own: part 2a of that file"
    )
    raise ClusterError(
        f"context {context!r} lacks rights on this cluster:\n  {listed}\n"
        f"Somebody who may grant them can apply this (kubectl apply -f FILE). {optional}All "
        f"that is needed, with reasons: bench/cluster/manifests/existing-cluster-rbac.yaml. {other}"
        f"\n\n{as_yaml(user, handed_over)}"
    )


def in_words(rights: Sequence[Right]) -> list[str]:
    """Return one text a target: what may not be done with it."""
    verbs: dict[str, dict[str, None]] = {}
    for right in rights:
        verbs.setdefault(right.target, {})[right.verb] = None
    return [f"{target} ({', '.join(each)})" for target, each in verbs.items()]


def as_yaml(user: str | None, handed_over: str | None = None) -> str:
    """Return what grants ``user`` all that the file lists, for one of its two forms.

    For a namespace that the run makes, or for the namespace ``handed_over``. Bindings are named
    by their user: applying them takes nothing from anybody.
    """
    subject = subject_of(user or "YOUR-USER")
    of_user = hashlib.sha256(repr(subject).encode()).hexdigest()[:8]
    form = "made" if handed_over is None else "handed-over"
    parts = [one for one in documented() if _form(one, form) == form]
    for part in parts:
        head = part["metadata"]
        if part["kind"] == "Namespace":
            head["name"] = handed_over
        if "namespace" in head:
            head["namespace"] = handed_over
        if "subjects" in part:
            head["name"] += f"-{of_user}"
            part["subjects"] = [subject]
    return "---\n".join(
        yaml.safe_dump(one, sort_keys=False, default_flow_style=None, width=100) for one in parts
    )


def _required(rights: Sequence[Right]) -> tuple[Right, ...]:
    return tuple(right for right in rights if right.target not in OPTIONAL)


def _form(part: dict[str, Any], default: str) -> str:
    """Return which form of the two ``part`` is of; ``default`` if it is of both."""
    return str(part["metadata"].get("labels", {}).get(FORM, default))


def _of_rules(rules: Sequence[dict[str, list[str]]]) -> tuple[Right, ...]:
    return tuple(
        Right(verb, target, group, tuple(rule.get("resourceNames", ())))
        for rule in rules
        for group in rule.get("apiGroups", [""])
        for target in (*rule.get("resources", ()), *rule.get("nonResourceURLs", ()))
        for verb in rule["verbs"]
    )


def _allowed(api: Api, right: Right, namespace: str) -> bool:
    if right.target.startswith("/"):
        return _reviewed(api, {"nonResourceAttributes": {"path": right.target, "verb": right.verb}})
    resource, _, subresource = right.target.partition("/")
    about = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": namespace,
    }
    named = [{**about, "name": name} for name in right.names] or [about]
    return all(_reviewed(api, {"resourceAttributes": attributes}) for attributes in named)


def _reviewed(api: Api, asked: dict[str, Any]) -> bool:
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    return bool(api.post(REVIEW, {**kind, "spec": asked})["status"]["allowed"])


def subject_of(user: str) -> dict[str, str]:
    """Return ``user`` as a binding names it."""
    kind, _, rest = user.partition(":serviceaccount:")
    if kind == "system" and ":" in rest:
        namespace, _, name = rest.partition(":")
        return {"kind": "ServiceAccount", "namespace": namespace, "name": name}
    return {"apiGroup": RBAC, "kind": "User", "name": user}
