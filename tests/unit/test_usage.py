"""Errors of wrong usage, which come before anything is started."""

import json

import pytest

from bench.cli import main
from bench.store import Store
from tests.integration.run.bench_process import TINY
from tests.unit.store.builders import a_run


@pytest.fixture
def error_of(capsys):
    """Returns a function that runs wrong arguments and returns the error text."""

    def run(*arguments, code=2):
        try:
            ended = main(arguments)
        except SystemExit as error:
            ended = error.code
        text = capsys.readouterr().err
        assert code == ended, text
        assert "starting etcd" not in text
        return text

    return run


def test_an_unknown_plan_is_an_error_and_nothing_is_started(error_of):
    text = error_of("run", "smoek")
    assert "there is no plan 'smoek' (the nearest is 'smoke')" in text


def test_the_error_of_a_wrong_key_in_a_plan_names_file_and_line(error_of, tmp_path):
    plan = tmp_path / "wrong.toml"
    plan.write_text(TINY.replace("duration_s", "duration_ms"))
    text = error_of("run", str(plan))
    assert (
        f"{plan}:7: a plan has no key 'duration_ms' (the nearest is 'duration_s')"
        in text.replace("\n", " ")
    )


def test_the_error_of_a_wrong_version_of_kubernetes_has_an_example(error_of):
    for verb in ("run", "up", "ui", "binaries"):
        text = error_of(verb, "--kubernetes", "latest")
        assert "'latest' is not a version such as 1.37 or 1.37.2" in text


def test_the_error_of_an_unknown_run_says_how_to_make_one(error_of, tmp_path):
    text = error_of("report", "yesterday", "--results", str(tmp_path))
    assert "no run 'yesterday'" in text
    assert "make bench" in text


def test_a_run_of_a_newer_schema_is_refused_with_its_number(error_of, tmp_path, newest):
    text = error_of("report", newest.run, "--results", str(tmp_path), code=1)
    assert "schema" in text
    assert str(newest.schema) in text


def test_resuming_takes_no_plan_and_a_new_run_no_rounds(error_of):
    assert "takes no 'smoke'" in error_of("run", "smoke", "--resume", "latest")
    assert "belong to --resume" in error_of("run", "smoke", "--rounds", "3")


def test_a_results_folder_that_is_a_file_is_an_error_before_anything_starts(error_of, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "tiny.toml").write_text(TINY)
    arguments = ("run", str(tmp_path / "tiny.toml"), "--results", str(tmp_path / "file"))
    text = error_of(*arguments)
    assert f"{tmp_path / 'file'} is a file; name a folder" in text.replace("\n", "")


def test_the_plans_are_listed_with_their_minutes(capsys):
    assert 0 == main(["plans"])
    lines = capsys.readouterr().out.splitlines()
    assert {"default", "smoke"} <= {line.split()[0] for line in lines}
    assert all(" min, " in line for line in lines)


@pytest.mark.parametrize(("option", "value"), [("--pods", "0"), ("--churn", "-1")])
def test_up_refuses_values_out_of_range(error_of, option, value):
    assert option in error_of("up", option, value)


@pytest.mark.parametrize("there", ["existing", "no/such/folder"])
def test_up_overwrites_no_file_with_its_kubeconfig_and_fails_at_once(error_of, tmp_path, there):
    (tmp_path / "existing").write_text("mine")
    text = error_of("up", "--kubeconfig-out", str(tmp_path / there), code=1)
    assert str(tmp_path / there) in text.replace("\n", "")
    assert "mine" == (tmp_path / "existing").read_text()


@pytest.fixture
def newest(tmp_path):
    """A run as a later version of the project would leave it."""
    made = a_run()
    Store(tmp_path).create(made)
    path = tmp_path / made.run / "run.json"
    content = json.loads(path.read_text())
    content["schema"] = 99
    path.write_text(json.dumps(content))
    return made


@pytest.mark.parametrize(
    ("role", "message"),
    [
        ("items: [foo]", "has no ClusterRole with rules"),
        ("items: 5", "has no ClusterRole with rules"),
        ("kind: Role\nrules: 5", "has no ClusterRole with rules"),
        ("kind: Role\nrules: [5]", "has a rule that is no table of lists: 5"),
        ("kind: Role\nrules: [{verbs: get}]", "has a rule that is no table of lists"),
        ("kind: Role\nrules: [{verb: [get]}]", "has a rule with the unknown key verb; a rule has:"),
    ],
)
def test_a_role_without_rules_is_an_error_before_anything_starts(error_of, tmp_path, role, message):
    (tmp_path / "role.yaml").write_text(role)
    text = error_of("meter", "true", "--role", str(tmp_path / "role.yaml"))
    assert message in " ".join(text.split())


@pytest.mark.parametrize("options", [("--unexpired",), ("--yes",), ("--kubeconfig", "file")])
def test_cleaning_a_cluster_needs_its_context(error_of, options):
    assert "name the cluster with --context NAME" in error_of("clean", *options)


def test_a_client_has_one_sign_of_readiness(error_of):
    signs = ("--ready-url", "http://127.0.0.1:1", "--ready-line", "synced")
    text = " ".join(error_of("meter", "true", *signs).split())
    assert "the client 'client' has 'ready_url' too: only one of them makes it ready" in text
