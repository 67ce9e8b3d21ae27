"""Manual load: Locust's own command line, statistics, files and web page with our users."""

import contextlib
import csv
import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

import bench
from bench.load.spec import write_spec
from tests.integration.load.conftest import free_port

ROOT = Path(bench.__file__).parents[1]
LOCUST = [sys.executable, "-m", "locust", "-f", "bench/load/locustfile.py"]


def headless(tmp_path, url, *arguments, enough=lambda: False):
    """Run Locust until it ends by itself or ``enough``, and return the completed process."""
    argv = [*LOCUST, "--headless", "--host", url, "--run-time", "60s", "--json"]
    argv += ["--users", "4", "--spawn-rate", "4", "--csv", tmp_path / "out", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        while process.poll() is None and not enough():
            time.sleep(0.1)
        process.terminate()
        stdout, stderr = process.communicate()
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


def counts_in(file):
    if not file.exists():
        return {}
    with file.open() as lines:
        return {row["Name"]: row for row in csv.DictReader(lines)}


def test_headless_statistics_and_csv_count_what_the_server_saw(start_server, tmp_path):
    server = start_server(delay_s=0.02)
    names = {"/pods", "/pods/<namespace>/<name>"}
    file = tmp_path / "out_stats.csv"
    asked = ("ListAll", "OnePod")
    done = headless(tmp_path, server.url, *asked, enough=lambda: names <= counts_in(file).keys())
    assert 0 == done.returncode, done.stderr
    counts = {entry["name"]: entry["num_requests"] for entry in json.loads(done.stdout)}
    assert names == set(counts)
    # Locust does not count the discovery of targets, nor the requests cut off at the end
    assert 1 <= server.count() - sum(counts.values()) <= 1 + 4
    rows = counts_in(file)
    # Locust writes its files every second, and not once more at the end
    assert 0 < int(rows["/pods"]["Request Count"]) <= counts["/pods"]
    assert "0" == rows["Aggregated"]["Failure Count"]


def test_with_a_rate_a_class_is_one_user_of_the_open_model_and_targets_can_come_from_a_file(
    start_server, tmp_path, targets
):
    write_spec(tmp_path / "targets.json", targets)
    server = start_server()
    asked = ("LabelSelector", "--rate", "50", "--targets", tmp_path / "targets.json")
    done = headless(tmp_path, server.url, *asked, enough=lambda: server.count() > 60)
    assert 0 == done.returncode, done.stderr
    (stats,) = json.loads(done.stdout)
    assert "/pods?labelSelector=<selector>" == stats["name"]
    assert 50 < stats["num_requests"]
    assert 60 > stats["num_requests"] / (stats["last_request_timestamp"] - stats["start_time"])
    assert '{"LabelSelector": 1} (1 total users)' in done.stderr


def test_failures_show_as_locust_failures(start_server, tmp_path, targets):
    write_spec(tmp_path / "targets.json", targets)
    url = start_server(status="503 Service Unavailable", delay_s=0.02).url
    file = tmp_path / "out_failures.csv"
    asked = ("ListAll", "--targets", tmp_path / "targets.json")
    done = headless(tmp_path, url, *asked, enough=lambda: "/pods" in counts_in(file))
    assert 1 == done.returncode
    (stats,) = json.loads(done.stdout)
    assert stats["num_requests"] == stats["num_failures"] > 0
    assert "status 503" in file.read_text()


def test_an_unreachable_server_ends_the_command_with_the_reason(tmp_path, dead_url):
    done = headless(tmp_path, dead_url, "ListAll")
    assert 1 == done.returncode
    assert "for what there is: cannot connect: Connection refused" in done.stderr
    assert "Traceback" not in done.stderr


class Page:
    """Locust's web page, as a browser's requests see it."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path):
        with self.opener.open(f"{self.url}{path}", timeout=60) as response:
            return response.read().decode()

    def post(self, path, **form):
        data = urllib.parse.urlencode(form, doseq=True).encode()
        with self.opener.open(f"{self.url}{path}", data, timeout=60) as response:
            return response.read().decode()

    def swarm(self, **form):
        return json.loads(self.post("/swarm", user_count=3, spawn_rate=3, **form))

    def wait_for(self, path, condition):
        for _ in range(300):
            with contextlib.suppress(OSError):
                content = json.loads(self.get(path))
                if condition(content):
                    return content
            time.sleep(0.1)
        raise AssertionError(f"{path} never met the condition")


@pytest.fixture(scope="module")
def page_for(tmp_path_factory):
    """Start Locust's page for the server at a URL, and load the page once, as a person does."""
    with contextlib.ExitStack() as stack:

        def start(*options):
            port = free_port()
            argv = [*LOCUST, "--web-host", "127.0.0.1", "--web-port", str(port), "--class-picker"]
            log = stack.enter_context((tmp_path_factory.mktemp("page") / "locust.log").open("w"))
            process = subprocess.Popen([*argv, *options], cwd=ROOT, stderr=log)
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
            page = Page(port)
            page.wait_for("/stats/requests", lambda content: content["state"] == "ready")
            page.get("/")
            return page

        yield start


@pytest.fixture(scope="module")
def page(page_for):
    """The page for a server at ``page.port``, which runs once a test has started it."""
    port = free_port()
    page = page_for("--host", f"http://127.0.0.1:{port}")
    page.port = port
    return page


@pytest.fixture
def stopped(page):
    """Stop Locust's test after the test."""
    yield
    page.post("/stop")
    page.wait_for("/stats/requests", lambda content: content["state"] == "stopped")


def count_of(content, name):
    return sum(entry["num_requests"] for entry in content["stats"] if entry["name"] == name)


@pytest.mark.parametrize("path", ["/swarm", "/stop", "/stats/reset", "/user"])
def test_an_action_without_the_cookie_of_the_page_is_refused(page, path):
    stranger = Page(int(page.url.rpartition(":")[2]))
    with pytest.raises(urllib.error.HTTPError) as refused:
        stranger.post(path, user_count=1, spawn_rate=1)
    refused.value.close()
    assert 403 == refused.value.code


def test_the_web_page_loads_no_server_but_that_of_the_command_line(page, start_server):
    other = start_server()
    refused = page.swarm(user_classes=["ListAll"], host=other.url)
    assert not refused["success"]
    assert f"http://127.0.0.1:{page.port}" in refused["message"]
    hidden = page.swarm(user_classes=["ListAll"], targets="/etc/passwd")
    assert (False, "The form has no field 'targets'") == (hidden["success"], hidden["message"])
    assert 0 == other.count()
    assert json.loads(page.get("/stats/requests"))["state"] in ("ready", "stopped")


def test_without_a_server_on_the_command_line_the_web_page_loads_none(page_for, start_server):
    page, server = page_for(), start_server()
    refused = page.swarm(user_classes=["ListAll"], host=server.url)
    assert (False, 0) == (refused["success"], server.count())
    assert "--host" in refused["message"]


def test_the_web_page_shows_why_a_server_is_unreachable_and_recovers(page, stopped, start_server):
    page.swarm(user_classes=["ListAll"])
    errors = page.wait_for("/exceptions", lambda content: content["exceptions"])
    assert "Connection refused" in errors["exceptions"][0]["msg"]
    page.post("/stop")
    start_server(page.port, delay_s=0.02)
    page.swarm(user_classes=["ListAll"])
    page.wait_for("/stats/requests", lambda content: count_of(content, "/pods") > 20)


def test_the_web_page_picks_classes_starts_them_shows_them_and_stops_them(
    page, stopped, start_server
):
    url = start_server(page.port, delay_s=0.01).url
    html = page.get("/")
    assert all(
        name in html
        for name in ("ListAll", "OneNamespace", "OnePod", "LabelSelector", "DashboardMix")
    )
    assert page.swarm(user_classes=["OneNamespace"], host=url)["success"]
    content = page.wait_for(
        "/stats/requests", lambda content: count_of(content, "/pods/<namespace>") > 100
    )
    assert "running" == content["state"]
    assert 3 == content["user_count"]
    assert [] == content["errors"]
    page.post("/stop")
    page.wait_for("/stats/requests", lambda content: content["state"] == "stopped")
    assert page.swarm(user_classes=["ListAll"], rate="40", host=url)["success"]
    page.wait_for("/stats/requests", lambda content: count_of(content, "/pods") > 20)
