"""The file of rights, and the texts about missing ones."""

import yaml

from bench.cluster.existing.namespace import HANDED_OVER
from bench.cluster.existing.removal import RIGHTS
from bench.cluster.existing.rights import (
    CLUSTER_ROLE,
    METRICS_ROLE,
    NAMESPACE_ROLE,
    OPTIONAL,
    Right,
    as_yaml,
    documented,
    in_words,
    needed,
)
from bench.cluster.identities import IDENTITIES, confined_rules
from bench.probes.observers import observers

ACCOUNTS = (*IDENTITIES, *(observer.identity for observer in observers().values()))


def test_every_right_that_our_accounts_are_given_is_among_those_needed() -> None:
    held = {(right.verb, right.target) for right in needed(NAMESPACE_ROLE)}
    given = {
        (verb, resource)
        for identity in ACCOUNTS
        for rule in confined_rules(identity, with_status=True)
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert set() == given - held


def test_tokens_may_be_made_of_our_own_accounts_alone_and_nowhere_but_in_the_namespace() -> None:
    (right,) = (item for item in needed(NAMESPACE_ROLE) if item.target == "serviceaccounts/token")
    assert {account.name for account in ACCOUNTS} == set(right.names)
    bound = {
        part["roleRef"]["name"] for part in documented() if part["kind"] == "ClusterRoleBinding"
    }
    assert {CLUSTER_ROLE, METRICS_ROLE} == bound
    assert "serviceaccounts/token" not in {right.target for right in needed(CLUSTER_ROLE)}


def test_without_status_no_account_is_given_a_right_on_it() -> None:
    rules = [rule for account in ACCOUNTS for rule in confined_rules(account, with_status=False)]
    assert "pods/status" not in {resource for rule in rules for resource in rule["resources"]}
    assert all("namespaces" not in rule["resources"] for rule in rules)


def test_an_account_that_may_run_a_plan_may_also_clean() -> None:
    assert set() == set(RIGHTS) - set(needed(CLUSTER_ROLE))


def test_optional_rights_are_in_the_file() -> None:
    roles = (CLUSTER_ROLE, NAMESPACE_ROLE, METRICS_ROLE)
    assert set(OPTIONAL) <= {right.target for role in roles for right in needed(role)}


def test_missing_rights_are_named_once_per_target() -> None:
    rights = [Right("create", "pods"), Right("get", "pods"), Right("get", "/metrics")]
    assert ["pods (create, get)", "/metrics (get)"] == in_words([*rights, rights[0]])


def test_a_form_is_printed_for_its_user_and_takes_no_place_of_anothers_binding() -> None:
    ann, bob = (list(yaml.safe_load_all(as_yaml(user))) for user in ("ann@example.com", "bob"))
    roles = {part["metadata"]["name"]: part["rules"] for part in ann if "rules" in part}
    assert {CLUSTER_ROLE, NAMESPACE_ROLE, METRICS_ROLE} == set(roles)
    bindings = [part for part in ann if "subjects" in part]
    assert {CLUSTER_ROLE, METRICS_ROLE} == {part["roleRef"]["name"] for part in bindings}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann@example.com"}
    assert [[subject]] * 2 == [part["subjects"] for part in bindings]
    names = {part["metadata"]["name"] for part in (*ann, *bob) if "subjects" in part}
    assert 4 == len(names)


def test_a_namespace_that_is_handed_over_is_printed_with_rights_in_it_alone() -> None:
    parts = list(yaml.safe_load_all(as_yaml("ann", "lab")))
    assert CLUSTER_ROLE not in {part["metadata"]["name"] for part in parts}
    (namespace,) = (part for part in parts if part["kind"] == "Namespace")
    assert ("lab", "true") == (
        namespace["metadata"]["name"],
        namespace["metadata"]["labels"][HANDED_OVER],
    )
    (binding,) = (part for part in parts if part["kind"] == "RoleBinding")
    assert ("lab", NAMESPACE_ROLE) == (
        binding["metadata"]["namespace"],
        binding["roleRef"]["name"],
    )


def test_a_service_account_is_bound_as_one() -> None:
    parts = yaml.safe_load_all(as_yaml("system:serviceaccount:a:b"))
    expected = [{"kind": "ServiceAccount", "namespace": "a", "name": "b"}]
    assert [expected] * 2 == [part["subjects"] for part in parts if "subjects" in part]
