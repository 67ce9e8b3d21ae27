"""Wrong names, unreachable clusters and refusals are reported clearly; nothing is left."""

import io
import json
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from bench.cli import main
from bench.cluster.api import ApiError
from bench.cluster.placement import ACCOUNT, Placement
from bench.cluster.pods import draw_pods
from bench.model import RunState
from bench.store import Store
from tests.integration.sites.conftest import TINY, StartExisting
from tests.integration.sites.foreign import (
    CONFUSING,
    CONTEXT,
    HANDED_OVER,
    ForeignCluster,
    delete_quietly,
)

GRANTED_S = 20.0
"""A bound on how long an API server takes to apply a new role binding."""


@pytest.fixture
def refused(foreign: ForeignCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run the tiny plan; return exit code and message, after a check that nothing changed there."""

    def run(*arguments: str, kubeconfig: str | None = None, plan: str = TINY) -> tuple[int, str]:
        file = tmp_path / "tiny.toml"
        file.write_text(plan)
        before = foreign.objects()
        code = main(
            [
                "run",
                str(file),
                f"--kubeconfig={kubeconfig or foreign.kubeconfig}",
                f"--results={tmp_path / 'results'}",
                f"--reports={tmp_path / 'reports'}",
                *arguments,
            ]
        )
        assert before == foreign.objects()
        text = capsys.readouterr().err
        assert "Traceback" not in text
        return code, text

    return run


def test_a_context_must_be_named_and_the_current_one_is_never_taken(refused) -> None:
    code, text = refused("--yes")
    assert 2 == code
    assert "--context NAME" in text
    assert CONTEXT in text


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ("staging-eu-2", "did you mean 'staging-eu-1'?"),
        ("away", "cannot be reached"),
        ("expired", "(401): they have expired or been withdrawn; log in again"),
        ("plugin", "context 'plugin' cannot be used: the exec plugin "),
        ("unverified", "insecure-skip-tls-verify"),
        ("plain", "not sent over plain http"),
        ("proxied", "cannot be reached through its proxy: "),
        ("stranger", "is not trusted: "),
        ("renamed", "valid for 'other.example.com'.; does the address"),
        ("speechless", "does not speak TLS properly"),
        ("unknown", "the auth-provider oidc of user 'unknown'"),
    ],
)
def test_an_unusable_context_is_reported_with_the_reason(
    refused, context: str, expected: str
) -> None:
    code, text = refused("--yes", "--context", context)
    assert 1 == code
    assert expected in text


@pytest.mark.parametrize("content", ["", "{]", "contexts: 3", "a: b"])
def test_a_file_that_is_no_kubeconfig_is_reported(refused, tmp_path: Path, content: str) -> None:
    (tmp_path / "config").write_text(content)
    code, text = refused("--yes", "--context", "x", kubeconfig=str(tmp_path / "config"))
    assert 1 == code
    assert "is not a kubeconfig" in text


def test_a_missing_kubeconfig_is_reported(refused) -> None:
    code, text = refused("--yes", "--context", "x", kubeconfig="/nowhere/config")
    assert (1, True) == (code, "cannot read /nowhere/config" in text)


def test_a_context_without_a_name_lists_those_that_there_are(refused) -> None:
    code, text = refused("--yes", "--context")
    assert 2 == code
    assert "name the cluster with --context NAME" in text
    assert CONTEXT in text


def test_a_version_is_not_chosen_where_there_is_a_cluster_already(refused) -> None:
    code, text = refused("--yes", "--context", CONTEXT, "--kubernetes", "1.36")
    assert (2, True) == (code, "leave out one of the two" in text)
    assert "Existing cluster" not in text


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ("nobody", "lacks rights on this cluster:\n  namespaces (list, get, delete)\n"),
        ("unknown", "the auth-provider oidc of user 'unknown'"),
    ],
)
def test_an_account_that_may_not_list_leftovers_gets_the_missing_rights(
    foreign: ForeignCluster, capsys: pytest.CaptureFixture[str], context: str, expected: str
) -> None:
    where = ["--kubeconfig", str(foreign.kubeconfig), "--context", context]
    assert 1 == main(["clean", "--yes", *where])
    assert expected in capsys.readouterr().err


def test_a_namespace_to_clean_goes_with_the_cluster_that_it_is_on(
    foreign: ForeignCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--kubeconfig", str(foreign.kubeconfig), "--namespace", HANDED_OVER]
    assert 2 == main(["clean", "--yes", *where])
    assert "name the cluster with --context NAME" in capsys.readouterr().err


def test_the_printed_yaml_grants_all_missing_rights(
    refused, foreign: ForeignCluster, monkeypatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, text = refused("--yes", "--context", "nobody")
    made = foreign.apply(yaml.safe_load_all(text[text.index("apiVersion:") :]))
    try:
        # as far as the question, which nobody is there to answer
        deadline = time.monotonic() + GRANTED_S
        while "lacks rights" in (text := refused("--context", "nobody")[1]):
            assert time.monotonic() < deadline, text
        assert "no --yes was given" in text
        assert "without  " not in text
    finally:
        for path in made:
            foreign.admin.delete(path)
    assert 1 == code


def test_missing_rights_are_listed_and_printed_as_yaml_to_apply(refused) -> None:
    code, text = refused("--yes", "--context", "nobody")
    assert 1 == code
    assert "lacks rights on this cluster:\n  namespaces (create, get, list, delete)\n" in text
    assert "kind: ClusterRoleBinding" in text
    assert "name: nobody" in text


@pytest.mark.parametrize("name", [CONFUSING[0], "kube-system"])
def test_a_namespace_that_is_somebody_elses_is_not_touched(refused, name: str) -> None:
    code, text = refused("--yes", "--context", CONTEXT, "--namespace", name)
    assert 1 == code
    assert f"a namespace {name} already, and it is not this project's" in text


def test_others_pods_in_a_handed_over_namespace_are_reported_and_left(
    refused, foreign: ForeignCluster
) -> None:
    pods = f"/api/v1/namespaces/{HANDED_OVER}/pods"
    foreign.admin.post(
        f"/api/v1/namespaces/{HANDED_OVER}/serviceaccounts", {"metadata": {"name": "default"}}
    )
    spec = {"nodeName": "node-1", "containers": [{"name": "a", "image": "registry.example.com/a"}]}
    foreign.admin.post(pods, {"metadata": {"name": "theirs"}, "spec": spec})
    try:
        code, text = refused("--yes", "--context", "tenant", "--namespace", HANDED_OVER)
    finally:
        foreign.admin.delete(f"{pods}/theirs")
        foreign.admin.delete(f"/api/v1/namespaces/{HANDED_OVER}/serviceaccounts/default")
    assert (1, True) == (code, f"there are pods in the namespace {HANDED_OVER}" in text)


def test_an_account_with_a_handed_over_namespace_may_make_none(refused) -> None:
    code, text = refused("--yes", "--context", "tenant")
    assert (1, True) == (code, "lacks rights on this cluster:\n  namespaces (create, " in text)
    assert "An admin can also hand over a namespace (--namespace)" in text


def test_an_invalid_name_of_a_namespace_is_reported(refused) -> None:
    code, text = refused("--yes", "--context", CONTEXT, "--namespace", "My_Own")
    assert (1, True) == (code, "'My_Own' cannot be the name of a namespace" in text)


def test_without_a_terminal_and_without_yes_nothing_is_done(refused, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, text = refused("--context", CONTEXT)
    assert (1, True) == (code, "no --yes was given" in text)


def test_without_consent_nothing_is_done(refused, monkeypatch) -> None:
    monkeypatch.setattr("bench.supervision.progress.Progress.ask", lambda _self, _question: False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    code, text = refused("--context", CONTEXT)
    assert (1, True) == (code, "not agreed to" in text)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("pods = 20", "pods = 501", "wants 501 pods, more than 500 (--max-pods)"),
        ("rate_rps = 10", "rate_rps = 45", ": 77, more than 50 (--max-rps)"),
        ("rate_rps = 10\n", "", "is of the closed model"),
        ("rounds = 1", "rounds = 90", "min, more than 15 (--max-minutes)"),
        ("pods = 20", "pods = 20\nfresh_control_plane = true", "a fresh control plane"),
    ],
)
def test_a_plan_beyond_the_limits_is_refused_before_any_request(
    refused, old: str, new: str, expected: str
) -> None:
    code, text = refused("--yes", "--context", CONTEXT, plan=TINY.replace(old, new))
    assert 2 == code
    assert expected in text
    assert "Existing cluster" not in text


def test_an_unreadable_audit_log_is_reported_beforehand(refused) -> None:
    code, text = refused("--yes", "--context", CONTEXT, "--audit-log", "/nowhere/audit.log")
    assert (1, True) == (code, "audit log /nowhere/audit.log cannot be read" in text)


def test_a_quota_that_is_exceeded_ends_the_run_and_leaves_nothing(
    foreign: ForeignCluster, start_run: StartExisting, tmp_path: Path
) -> None:
    before = foreign.objects()
    name = "informer-bench-quota"
    quota = f"/api/v1/namespaces/{name}/resourcequotas"
    done = threading.Event()

    def hand_out() -> None:
        # as a cluster does that has one for each new namespace
        few = {"metadata": {"name": "few"}, "spec": {"hard": {"pods": "10"}}}
        status = {"hard": {"pods": "10"}, "used": {"pods": "0"}}
        made = None
        while made is None and not done.wait(0.02):
            with suppress(ApiError):
                made = foreign.admin.post(quota, few)
        if made is not None:
            foreign.admin.put(f"{quota}/few/status", {**made, "status": status})

    handing = threading.Thread(target=hand_out)
    handing.start()
    try:
        bench = start_run("--namespace", name, changes=(("pods = 20", "pods = 200"),))
        assert 1 == bench.wait(), bench.text
    finally:
        done.set()
        handing.join()
        delete_quietly(foreign.admin, f"{quota}/few")
    assert "exceeded quota: few" in bench.text
    assert "Traceback" not in bench.text
    assert before == foreign.objects()
    store = Store(tmp_path / "results")
    (run,) = store.runs()
    record = store.open(run).record
    assert RunState.INCOMPLETE is record.state
    assert "exceeded quota" in (record.reason or "")


def test_our_pods_meet_the_strictest_pod_security_standard(foreign: ForeignCluster) -> None:
    name = "strict"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    path = f"/api/v1/namespaces/{name}"
    foreign.admin.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    try:
        foreign.admin.post(f"{path}/serviceaccounts", {"metadata": {"name": ACCOUNT}})
        placement = Placement(name, confined=True)
        pods = [placement.manifest(pod) for pod in draw_pods(3, 30, namespace=name)]
        for pod in (*pods, placement.probe_manifest()):
            created = foreign.admin.post(f"{path}/pods?dryRun=All", pod)
            assert created["spec"]["schedulingGates"]
            assert "nodeName" not in created["spec"]
            assert "ownerReferences" not in created["metadata"], json.dumps(created)
    finally:
        foreign.admin.delete(f"{path}/serviceaccounts/{ACCOUNT}")
        foreign.admin.delete(path)
        item = foreign.admin.get(path)
        foreign.admin.put(f"{path}/finalize", {**item, "spec": {"finalizers": []}})
