"""Load by hand: Locust's own command line, statistics, files and web page over our users."""

import contextlib
import csv
import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

import bench
from bench.load.targets import write_targets

ROOT = Path(bench.__file__).parents[1]
LOCUST = [sys.executable, "-m", "locust", "-f", "bench/load/locustfile.py"]


def headless(tmp_path, url, *arguments, seconds=4):
    argv = [*LOCUST, "--headless", "--host", url, "--run-time", f"{seconds}s", "--json"]
    argv += ["--users", "4", "--spawn-rate", "4", "--csv", tmp_path / "out", *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_headless_statistics_and_csv_count_what_the_server_saw(start_server, tmp_path):
    server = start_server()
    done = headless(tmp_path, server.url, "ListAll", "OnePod")
    assert 0 == done.returncode, done.stderr
    counts = {each["name"]: each["num_requests"] for each in json.loads(done.stdout)}
    assert {"/pods", "/pods/<namespace>/<name>"} == set(counts)
    # one more than Locust knows of: the question what there is; and what was cut off at the end
    assert 1 <= server.count() - sum(counts.values()) <= 1 + 4
    with (tmp_path / "out_stats.csv").open() as file:
        rows = {row["Name"]: row for row in csv.DictReader(file)}
    # Locust writes its files every second, and not once more at the end
    assert 0 < int(rows["/pods"]["Request Count"]) <= counts["/pods"]
    assert "0" == rows["Aggregated"]["Failure Count"]


def test_with_a_rate_a_class_is_one_user_of_the_open_model(start_server, tmp_path):
    done = headless(tmp_path, start_server().url, "ListAll", "--rate", "50", seconds=5)
    assert 0 == done.returncode, done.stderr
    (stats,) = json.loads(done.stdout)
    assert 100 <= stats["num_requests"] <= 250
    assert '{"ListAll": 1} (1 total users)' in done.stderr


def test_targets_can_come_from_a_file(start_server, tmp_path, targets):
    write_targets(tmp_path / "targets.json", targets)
    server = start_server()
    done = headless(
        tmp_path, server.url, "LabelSelector", "--targets", tmp_path / "targets.json", seconds=3
    )
    assert ["/pods?labelSelector=<selector>"] == [
        each["name"] for each in json.loads(done.stdout)
    ], done.stderr


def test_failures_show_as_locust_failures(start_server, tmp_path, targets):
    write_targets(tmp_path / "targets.json", targets)
    url = start_server(status="503 Service Unavailable").url
    done = headless(tmp_path, url, "ListAll", "--targets", tmp_path / "targets.json", seconds=4)
    assert 1 == done.returncode
    (stats,) = json.loads(done.stdout)
    assert stats["num_requests"] == stats["num_failures"] > 0
    assert "status 503" in (tmp_path / "out_failures.csv").read_text()


def test_a_server_that_cannot_be_asked_ends_the_command_with_the_reason(tmp_path, dead_url):
    done = headless(tmp_path, dead_url, "ListAll", seconds=30)
    assert 1 == done.returncode
    assert "for what there is: cannot connect: Connection refused" in done.stderr
    assert "Traceback" not in done.stderr


class Page:
    """Locust's web page, as a browser's requests see it."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as response:
            return response.read().decode()

    def post(self, path, **form):
        data = urllib.parse.urlencode(form, doseq=True).encode()
        with urllib.request.urlopen(f"{self.url}{path}", data, timeout=10) as response:
            return response.read().decode()

    def wait_for(self, path, condition):
        for _ in range(300):
            with contextlib.suppress(OSError):
                content = json.loads(self.get(path))
                if condition(content):
                    return content
            time.sleep(0.1)
        raise AssertionError(f"{path} never became so")


@pytest.fixture
def page(tmp_path, port):
    argv = [*LOCUST, "--web-host", "127.0.0.1", "--web-port", str(port), "--class-picker"]
    with (tmp_path / "locust.log").open("w") as log:
        process = subprocess.Popen([*argv, "--host", "http://127.0.0.1:1"], cwd=ROOT, stderr=log)
        try:
            page = Page(port)
            page.wait_for("/stats/requests", lambda content: content["state"] == "ready")
            yield page
        finally:
            process.terminate()
            process.wait(30)


def count_of(content, name):
    return sum(each["num_requests"] for each in content["stats"] if each["name"] == name)


def test_the_web_page_picks_classes_starts_them_shows_them_and_stops_them(page, start_server):
    url = start_server().url
    html = page.get("/")
    assert all(
        name in html
        for name in ("ListAll", "OneNamespace", "OnePod", "LabelSelector", "DashboardMix")
    )
    swarm = {"user_count": 3, "spawn_rate": 3, "host": url}
    page.post("/swarm", user_classes=["OneNamespace"], **swarm)
    content = page.wait_for(
        "/stats/requests", lambda content: count_of(content, "/pods/<namespace>") > 100
    )
    assert "running" == content["state"]
    assert 3 == content["user_count"]
    assert [] == content["errors"]
    page.post("/stop")
    page.wait_for("/stats/requests", lambda content: content["state"] == "stopped")
    page.post("/swarm", user_classes=["ListAll"], rate="40", **swarm)
    page.wait_for("/stats/requests", lambda content: count_of(content, "/pods") > 20)


def test_the_web_page_shows_why_a_server_cannot_be_asked_and_recovers(page, start_server, dead_url):
    swarm = {"user_count": 2, "spawn_rate": 2, "user_classes": ["ListAll"]}
    page.post("/swarm", host=dead_url, **swarm)
    told = page.wait_for("/exceptions", lambda content: content["exceptions"])
    assert "Connection refused" in told["exceptions"][0]["msg"]
    page.post("/stop")
    page.post("/swarm", host=start_server().url, **swarm)
    page.wait_for("/stats/requests", lambda content: count_of(content, "/pods") > 20)
