"""Clusters that refuse or change pods are detected before a pod is made; nothing is left."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bench.cluster.api import ApiError
from bench.cluster.existing.errors import ClusterError
from bench.sites.existing import ExistingSite
from bench.supervision.waiting import wait_until
from bench.supervision.watchdog import Watchdog
from tests.integration.sites.foreign import ForeignCluster

ROOT = "/apis/admissionregistration.k8s.io/v1"
NAME = "theirs.example.com"
PODS = {
    "resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    ]
}
NOTICED_S = 30.0


@contextmanager
def policy(foreign: ForeignCluster, kind: str, spec: dict[str, Any], **binding: Any) -> Iterator:
    """Put a policy on the cluster; enter the block once it is in force."""
    policies, bindings = f"{ROOT}/{kind}policies", f"{ROOT}/{kind}policybindings"
    before = _tried(foreign)
    foreign.admin.post(policies, {"metadata": {"name": NAME}, "spec": spec})
    try:
        bound = {"policyName": NAME, **binding}
        foreign.admin.post(bindings, {"metadata": {"name": NAME}, "spec": bound})
        assert wait_until(lambda: _tried(foreign) != before, NOTICED_S, 0.1)
        yield
    finally:
        foreign.admin.delete(f"{bindings}/{NAME}")
        foreign.admin.delete(f"{policies}/{NAME}")
        assert wait_until(lambda: _tried(foreign) == before, NOTICED_S, 0.1)


def test_a_policy_that_refuses_our_pods_is_met_before_there_are_any(
    foreign: ForeignCluster, site: ExistingSite, watchdog: Watchdog
) -> None:
    before = foreign.objects()
    no = {"expression": "false", "message": "no pods on a Friday"}
    spec = {"failurePolicy": "Fail", "matchConstraints": PODS, "validations": [no]}
    with (
        policy(foreign, "validatingadmission", spec, validationActions=["Deny"]),
        pytest.raises(ClusterError, match=r"refuses our form of pods.*no pods on a Friday"),
    ):
        site.start(watchdog)
    assert before == foreign.objects()


def test_a_policy_that_would_have_our_pods_scheduled_is_met_before_there_are_any(
    foreign: ForeignCluster, site: ExistingSite, watchdog: Watchdog
) -> None:
    before = foreign.objects()
    change = 'Object{spec: Object.spec{schedulerName: "default-scheduler-2"}}'
    spec = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": PODS,
        "mutations": [
            {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": change}}
        ],
    }
    with (
        policy(foreign, "mutatingadmission", spec),
        pytest.raises(ClusterError, match="would be scheduled"),
    ):
        site.start(watchdog)
    assert before == foreign.objects()


def _tried(foreign: ForeignCluster) -> str:
    """Return a pod of another user as the dry run of its creation answers."""
    pod = {
        "metadata": {"name": "tried"},
        "spec": {"containers": [{"name": "a", "image": "registry.example.com/a"}]},
    }
    try:
        made = foreign.admin.post("/api/v1/namespaces/shop/pods?dryRun=All", pod)
    except ApiError as error:
        return str(error)
    return str(made["spec"]["schedulerName"])
