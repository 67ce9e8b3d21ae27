"""The file of rights, and what is made of those that are missing."""

import yaml

from bench.cluster.existing.removal import RIGHTS
from bench.cluster.existing.rights import OPTIONAL, Right, as_yaml, in_words, needed
from bench.cluster.identities import IDENTITIES, confined_rules
from bench.probes.observers import observers

ACCOUNTS = (*IDENTITIES, *(observer.identity for observer in observers().values()))


def test_every_right_that_our_accounts_are_given_is_among_those_needed() -> None:
    held = {(right.verb, right.target) for right in needed()}
    given = {
        (verb, resource)
        for identity in ACCOUNTS
        for rule in confined_rules(identity, with_status=True)
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert set() == given - held


def test_tokens_may_be_made_of_our_own_accounts_alone() -> None:
    (right,) = (right for right in needed() if right.target == "serviceaccounts/token")
    assert {account.name for account in ACCOUNTS} == set(right.names)
    role, _ = yaml.safe_load_all(as_yaml([right], "ann"))
    (rule,) = role["rules"]
    assert list(right.names) == rule["resourceNames"]


def test_without_status_no_account_is_given_a_right_on_it() -> None:
    rules = [rule for one in ACCOUNTS for rule in confined_rules(one, with_status=False)]
    assert "pods/status" not in {resource for rule in rules for resource in rule["resources"]}
    assert all("namespaces" not in rule["resources"] for rule in rules)


def test_who_may_run_a_plan_may_also_clean() -> None:
    assert set() == set(RIGHTS) - set(needed())


def test_what_is_optional_is_in_the_file() -> None:
    assert set(OPTIONAL) <= {right.target for right in needed()}


def test_missing_rights_become_a_role_and_its_binding() -> None:
    rights = [Right("create", "pods"), Right("get", "pods"), Right("get", "/metrics")]
    role, binding = yaml.safe_load_all(as_yaml(rights, "ann@example.com"))
    assert [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "get"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
    ] == role["rules"]
    assert role["metadata"]["name"] == binding["roleRef"]["name"]
    assert [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann@example.com"}
    ] == binding["subjects"]
    assert ["pods (create, get)", "/metrics (get)"] == in_words(rights)


def test_what_is_granted_later_or_to_another_takes_no_place_of_what_was_granted() -> None:
    first, second = [Right("get", "pods")], [Right("list", "pods")]
    texts = (as_yaml(first, "ann"), as_yaml(second, "ann"), as_yaml(first, "bob"))
    names = {next(yaml.safe_load_all(text))["metadata"]["name"] for text in texts}
    assert 3 == len(names)
    assert as_yaml(first, "ann") == as_yaml(first, "ann")


def test_an_account_is_bound_as_what_it_is() -> None:
    _, binding = yaml.safe_load_all(as_yaml([Right("get", "pods")], "system:serviceaccount:a:b"))
    assert [{"kind": "ServiceAccount", "namespace": "a", "name": "b"}] == binding["subjects"]
