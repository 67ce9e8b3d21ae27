"""The command line's other verbs, as processes."""

import json
import signal
from pathlib import Path

import urllib3

from bench.interactive.up import OURS
from bench.supervision.waiting import wait_until
from tests.integration.run.conftest import StartBench


def test_an_unavailable_version_is_an_error_and_leaves_nothing(
    start_bench: StartBench, tmp_path: Path
) -> None:
    folders = ("--results", str(tmp_path / "results"), "--reports", str(tmp_path / "reports"))
    bench = start_bench("run", "smoke", "--kubernetes", "1.2", *folders)
    assert 1 == bench.wait(), bench.text
    text = bench.text
    assert "Traceback" not in text
    assert "not 1.2; correct or unset KUBEBUILDER_ASSETS" in text.replace("\n", " ")
    assert [] == list(tmp_path.glob("re*"))


def test_up_prints_one_line_of_json_and_serves_until_interrupted(
    start_bench: StartBench, tmp_path: Path
) -> None:
    copy = tmp_path / "kubeconfig"
    copy.write_text(OURS)  # an earlier one was killed outright
    arguments = ("--pods", "30", "--churn", "5", "--json", "--kubeconfig-out", str(copy))
    bench = start_bench("up", *arguments)
    assert wait_until(lambda: bench.output.read_text().endswith("\n"), 60, 0.05), bench.text
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
    bench.ends(130)
    assert not copy.exists()


def test_up_ends_with_an_error_when_a_server_dies(start_bench: StartBench) -> None:
    bench = start_bench("up", "--pods", "20", "--churn", "0")
    bench.wait_for("ends it all")
    bench.child("-m servers", "direct").kill()
    bench.ends(1)
    assert "server direct" in bench.text
