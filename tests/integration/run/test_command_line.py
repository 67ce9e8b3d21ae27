"""The command line's other verbs, and what it says to a person who errs."""

import json
import signal
import time
from pathlib import Path

import pytest
import urllib3

from bench.interactive.up import OURS
from bench.model import RunRecord
from bench.store import Store
from tests.integration.run.bench_process import TINY
from tests.integration.run.conftest import StartBench
from tests.unit.store.builders import a_run


def error_of(start_bench: StartBench, *arguments: str, code: int = 2) -> str:
    bench = start_bench(*arguments)
    assert code == bench.wait(), bench.text
    assert "Traceback" not in bench.text
    return bench.text


def test_an_unknown_plan_is_told_and_nothing_is_started(start_bench: StartBench) -> None:
    text = error_of(start_bench, "run", "smoek")
    assert "there is no plan 'smoek' (the nearest is 'smoke')" in text


def test_a_plan_with_a_wrong_key_is_told_with_file_and_line(
    start_bench: StartBench, tmp_path: Path
) -> None:
    plan = tmp_path / "wrong.toml"
    plan.write_text(TINY.replace("duration_s", "duration_ms"))
    text = error_of(start_bench, "run", str(plan))
    assert (
        f"{plan}:7: a plan has no key 'duration_ms' (the nearest is 'duration_s')"
        in text.replace("\n", " ")
    )


def test_what_is_no_version_of_kubernetes_is_told_with_an_example(
    start_bench: StartBench,
) -> None:
    for verb in ("run", "up", "ui", "binaries"):
        text = error_of(start_bench, verb, "--kubernetes", "latest")
        assert "'latest' is not a version such as 1.37 or 1.37.2" in text


def test_a_version_that_cannot_be_had_is_told_and_leaves_nothing(
    start_bench: StartBench, tmp_path: Path
) -> None:
    folders = ("--results", str(tmp_path / "results"), "--reports", str(tmp_path / "reports"))
    text = error_of(start_bench, "run", "smoke", "--kubernetes", "1.2", *folders, code=1)
    assert "wanted is 1.2; correct or unset KUBEBUILDER_ASSETS" in text.replace("\n", " ")
    assert [] == list(tmp_path.glob("re*"))


def test_an_unknown_run_is_told_with_those_there_are(
    start_bench: StartBench, tmp_path: Path
) -> None:
    text = error_of(start_bench, "report", "yesterday", "--results", str(tmp_path))
    assert "no run 'yesterday'" in text
    assert "make bench" in text


def test_a_run_of_a_newer_schema_is_refused_in_words(
    start_bench: StartBench, tmp_path: Path, newest: RunRecord
) -> None:
    text = error_of(start_bench, "report", newest.run, "--results", str(tmp_path), code=1)
    assert "schema" in text
    assert str(newest.schema) in text


def test_a_folder_that_cannot_take_results_is_told_before_anything_starts(
    start_bench: StartBench, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "tiny.toml").write_text(TINY)
    arguments = ("run", str(tmp_path / "tiny.toml"), "--results", str(tmp_path / "file"))
    text = error_of(start_bench, *arguments)
    assert f"{tmp_path / 'file'} is a file; name a folder" in text.replace("\n", "")
    assert "starting etcd" not in text


@pytest.mark.parametrize("verb", ["run", "report", "up", "calibrate", "plans", "binaries"])
def test_every_verb_has_help(start_bench: StartBench, verb: str) -> None:
    bench = start_bench(verb, "--help")
    assert 0 == bench.wait()
    assert "usage: python -m bench" in bench.output.read_text()


def test_the_plans_are_listed_with_their_minutes(start_bench: StartBench) -> None:
    bench = start_bench("plans")
    assert 0 == bench.wait(), bench.text
    lines = bench.output.read_text().splitlines()
    assert {"default", "smoke"} <= {line.split()[0] for line in lines}
    assert all(" min, " in line for line in lines)


@pytest.mark.parametrize(("option", "value"), [("--pods", "0"), ("--churn", "-1")])
def test_up_refuses_what_it_cannot_do(start_bench: StartBench, option: str, value: str) -> None:
    bench = start_bench("up", option, value)
    assert 2 == bench.wait()
    assert option in bench.text


@pytest.mark.parametrize("there", ["existing", "no/such/folder"])
def test_up_writes_its_kubeconfig_over_nothing_and_says_so_at_once(
    start_bench: StartBench, tmp_path: Path, there: str
) -> None:
    (tmp_path / "existing").write_text("mine")
    text = error_of(start_bench, "up", "--kubeconfig-out", str(tmp_path / there), code=1)
    assert str(tmp_path / there) in text.replace("\n", "")
    assert "starting etcd" not in text
    assert "mine" == (tmp_path / "existing").read_text()


def test_up_prints_one_line_of_json_and_serves_until_interrupted(
    start_bench: StartBench, tmp_path: Path
) -> None:
    copy = tmp_path / "kubeconfig"
    copy.write_text(OURS)  # an earlier one was killed outright
    arguments = ("--pods", "30", "--churn", "5", "--json", "--kubeconfig-out", str(copy))
    bench = start_bench("up", *arguments)
    deadline = time.monotonic() + 60
    while not bench.output.read_text().endswith("\n") and time.monotonic() < deadline:
        time.sleep(0.05)
    (line,) = bench.output.read_text().splitlines()
    addresses = json.loads(line)
    assert {"api_server", "kubeconfig", "informer", "direct", "audit_log"} == set(addresses)
    assert str(copy) == addresses["kubeconfig"]
    assert copy.exists()
    assert Path(addresses["audit_log"]).stat().st_size > 0
    for name in ("informer", "direct"):
        answer = urllib3.request("GET", f"{addresses[name]}/pods", retries=False)
        assert 200 == answer.status
        assert 29 <= len(answer.json()["result"]) <= 30
    bench.signal(signal.SIGINT)
    assert 130 == bench.wait(), bench.text
    assert [] == bench.left_behind()
    assert not copy.exists()


def test_up_ends_with_a_word_when_a_server_dies(start_bench: StartBench) -> None:
    bench = start_bench("up", "--pods", "20", "--churn", "0")
    bench.wait_for("Ctrl-C ends it all")
    bench.child("-m servers", "direct").kill()
    assert 1 == bench.wait(), bench.text
    assert "server direct" in bench.text
    assert [] == bench.left_behind()


@pytest.fixture
def newest(tmp_path: Path) -> RunRecord:
    """A run as a later version of the project would leave it."""
    made = a_run()
    Store(tmp_path).create(made)
    path = tmp_path / made.run / "run.json"
    content = json.loads(path.read_text())
    content["schema"] = 99
    path.write_text(json.dumps(content))
    return made
