"""Pages of ``bench ui`` in a real browser, over a real control plane."""

import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from pandas import read_parquet

import bench

ROOT = Path(bench.__file__).parents[1]
BENCH = [sys.executable, "-m", "bench"]
START_S = 240


class Ui:
    """``python -m bench ui`` on a port that it chooses."""

    def __init__(self, log, *arguments):
        self.log = log
        argv = [*BENCH, "ui", "--port", "0", "--pods", "60", "--churn", "5", *arguments]
        with log.open("w") as file:
            self.process = subprocess.Popen(argv, cwd=ROOT, stdout=file, stderr=file)
        self.url = self._printed(r"^  page +(http://\S+)$")
        self.audit_log = Path(self._printed(r"^  audit log +(\S+)$"))
        self.followed_from = 0

    def _printed(self, pattern):
        for _ in range(START_S * 10):
            text = self.log.read_text()
            if "ends it all" in text and (match := re.search(pattern, text, re.MULTILINE)):
                return match.group(1)
            assert self.process.poll() is None, text
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def get(self, path, **headers):
        request = urllib.request.Request(f"{self.url}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read(), answer.headers

    def live(self):
        return json.loads(self.get("/api-server/live.json")[0])

    def until(self, holds, seconds=60):
        """Return the page's data once it ``holds``."""
        deadline = time.monotonic() + seconds
        while not holds(live := self.live()):
            assert time.monotonic() < deadline, live["now"] | {"last": live["points"][-3:]}
            time.sleep(0.2)
        return live

    def processes(self):
        """Return the command lines of all started processes, by their ids."""
        folder = str(self.audit_log.parent)
        lines = {}
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if folder in line:
                lines[int(path.parent.name)] = line
        return lines

    def pid_of(self, words):
        return min(pid for pid, line in self.processes().items() if words in line)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def ui(tmp_path_factory, binaries):
    started = Ui(tmp_path_factory.mktemp("ui") / "ui.log")
    yield started
    folder = started.audit_log.parent
    assert 130 == started.stop()
    assert {} == started.processes()
    assert not folder.exists()


@pytest.fixture(scope="module")
def page(ui, browser):
    """The page that opens first, with both servers loaded by its button."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    broken = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(ui.url)
    ui.followed_from = ui.audit_log.stat().st_size
    ui.live()  # from here on the audit log is followed
    page.click("button:has-text('Load both servers alike')")
    page.wait_for_selector("button:has-text('Stop the load')")
    yield page
    page.close()
    assert [] == broken


def last(live):
    return live["points"][-1]


def answering(server):
    return lambda live: len(live["points"]) > 2 and last(live)["answers"].get(server, 0) > 0


def requests_in_audit_log(ui, identity, verb):
    ids = set()
    stage = "ResponseStarted" if verb == "watch" else "ResponseComplete"
    for line in ui.audit_log.read_bytes()[ui.followed_from :].splitlines():
        event = json.loads(line)
        user = event["user"]["username"]
        if user.endswith(f":{identity}") and (event["verb"], event["stage"]) == (verb, stage):
            ids.add(event["auditID"])
    return len(ids)


def figure(page, server, which):
    return page.locator(f".apiserver .tile[data-server={server}] .figure.{which}").inner_text()


def marks(page):
    return page.locator(".apiserver .marks li").all_inner_texts()


def test_one_click_loads_both_servers_alike_and_shows_their_requests_to_the_api_server(ui, page):
    ui.until(lambda live: answering("direct")(live) and answering("informer")(live))
    live = ui.until(lambda live: (live["now"]["per_answer"]["direct"] or 0) > 0.5)
    assert 2 == live["test"]["users"]
    page.wait_for_function(
        "document.querySelectorAll('.apiserver .charts figure')[1].querySelectorAll('path').length"
        " && [...document.querySelectorAll('.apiserver .charts figure')[1]"
        ".querySelectorAll('path')].every((path) => path.getAttribute('d').includes('L'))"
    )
    page.wait_for_function(
        "[...document.querySelectorAll('.tile .figure')].every((figure) =>"
        " /[0-9]/.test(figure.textContent))"
    )
    assert float(figure(page, "informer", "ratio")) < 0.5 < float(figure(page, "direct", "ratio"))
    assert marks(page)[-1].endswith("load started")
    page.wait_for_function(
        "/^[0-9.]+ (s|min) ago$/.test(document.querySelector("
        "'.charts svg text[text-anchor=start]').textContent)"
    )


def test_locusts_own_page_is_one_link_away_and_links_back(ui, page):
    page.click("nav a:has-text('Locust')")
    page.wait_for_selector("[role=tab]:has-text('Statistics')")
    page.click("nav a:has-text('API server')")
    page.wait_for_selector("button:has-text('Stop the load')")
    assert f"{ui.url}/api-server/" == page.url


def test_a_phone_has_no_sideways_scroll(page):
    page.set_viewport_size({"width": 390, "height": 844})
    try:
        assert 390 >= page.evaluate("document.documentElement.scrollWidth")
    finally:
        page.set_viewport_size({"width": 1280, "height": 900})


def test_the_rate_of_writes_is_set_from_the_page(ui, page):
    page.fill(".apiserver input[name=per_s]", "40")
    page.click(".apiserver button:has-text('Set')")
    ui.until(lambda live: live["now"]["churn_per_s"] == 40)
    ui.until(lambda live: sum(last(live)["requests"].get("churn", {}).values()) > 15)
    page.wait_for_selector(".apiserver .marks li:has-text('40 writes per second')")


def test_a_frozen_api_server_stops_direct_and_not_the_informer_and_resumes(ui, page):
    page.click(".apiserver button:has-text('Freeze')")
    page.wait_for_selector(".apiserver .alarm:has-text('frozen')")
    ui.until(
        lambda live: (
            live["now"]["frozen_s"] > 0
            and last(live)["answers"]["direct"] == 0
            and last(live)["answers"]["informer"] > 0
        ),
        seconds=12,
    )
    page.wait_for_function(
        "!/[0-9]/.test(document.querySelector('.tile[data-server=direct] .ratio').textContent)"
    )
    assert float(figure(page, "informer", "answers")) > 0
    ui.until(lambda live: live["now"]["frozen_s"] == 0 and answering("direct")(live))
    page.wait_for_selector(".apiserver .alarm:has-text('frozen')", state="detached")
    kinds = [text.partition(" ")[2] for text in marks(page)]
    assert ["API server frozen", "API server resumed"] == kinds[-2:]
    drawn = page.locator(".charts figure").first.locator("line.mark").count()
    assert len(kinds) == drawn


def test_a_server_that_is_killed_is_shown_as_down_and_comes_back(ui, page):
    os.kill(ui.pid_of("-m servers direct"), signal.SIGKILL)
    page.wait_for_selector(".apiserver .alarm:has-text('The server direct is down')")
    ui.until(answering("informer"))
    ui.until(lambda live: live["now"]["servers"]["direct"]["trouble"] is None)
    ui.until(answering("direct"))


def downloaded(page, tmp_path):
    """Return the folder of the session's results, downloaded from the page."""
    with page.expect_download() as download:
        page.click(".apiserver button:has-text('Download as results')")
    archive = tmp_path / download.value.suggested_filename
    download.value.save_as(archive)
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path / archive.name.removesuffix(".tar.gz")


def trials_of(run):
    return [json.loads(path.read_text()) for path in sorted(run.glob("trials/*/trial.json"))]


def test_a_running_test_is_downloaded_with_its_rows_so_far(ui, page, tmp_path):
    trials = trials_of(downloaded(page, tmp_path))
    assert ["direct", "informer"] == [trial["trial"]["server"] for trial in trials]
    assert all(trial["answered"] > 0 for trial in trials)
    assert answering("informer")(ui.live())
    assert "-C results && make report RUN=" in page.locator(".apiserver code").last.inner_text()


def test_after_a_stop_the_counts_agree_with_the_audit_log(ui, page):
    page.click("button:has-text('Stop the load')")
    ui.until(lambda live: live["test"]["state"] == "stopped")
    ui.until(
        lambda live: not last(live)["answers"]["direct"] and not last(live)["failed"]["direct"]
    )
    totals = ui.live()["now"]["totals"]
    for identity, verb in (("direct", "list"), ("informer", "watch"), ("informer", "list")):
        counted = totals.get(identity, {}).get(verb, 0)
        assert requests_in_audit_log(ui, identity, verb) == counted, (identity, verb)
    assert totals["direct"]["list"] > 10


def test_reads_of_the_probe_are_counted_apart(ui, page):
    before = ui.live()["now"]["totals"]["direct, for the probe"]["get"]
    live = ui.until(lambda live: live["now"]["totals"]["direct, for the probe"]["get"] > before)
    assert "get" not in live["now"]["totals"]["direct"]
    assert 0 == last(live)["answers"]["direct"]


def test_the_session_is_downloaded_and_reported_with_its_caveat(ui, page, tmp_path):
    run = downloaded(page, tmp_path)
    reports = tmp_path / "reports"
    argv = [*BENCH, "report", str(run), "--reports", str(reports)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    html = (reports / run.name / "index.html").read_text()
    assert "not interleaved" in html
    assert 4 == len(trials_of(run)), "the test downloaded while running is two of each server"
    for path in run.glob("trials/*"):
        marks_us = json.loads((path / "trial.json").read_text())["marks_s"] * 1e6
        assert read_parquet(path / "requests.parquet")["intended_us"].between(0, marks_us).all()
    sources = {
        source
        for path in run.glob("trials/*/scrapes.parquet")
        for source in read_parquet(path)["source"]
    }
    assert {"server"} == sources, "the API server's cost for both at once belongs to neither"


def test_invalid_arguments_are_reported_where_locust_reports_its_own(ui, page):
    page.goto(f"{ui.url}/?tab=stats")
    page.click("button:has-text('New')")
    form = page.locator("input[name=userCount]").last
    assert "2" == form.input_value(), "one user of each server"
    page.locator("text=Custom parameters").last.click()
    page.fill("input[name=namespace]", "../x")
    page.locator("button:has-text('Start')").last.click()
    page.wait_for_selector("text=Invalid namespace value")
    page.keyboard.press("Escape")


@pytest.mark.parametrize("path", ["/api-server/freeze", "/api-server/churn", "/api-server/session"])
def test_an_action_needs_the_token_of_this_run(ui, path):
    assert 403 == refusal(ui, path)


@pytest.mark.parametrize("path", ["/api-server/freeze", "/swarm", "/stop"])
def test_an_action_from_a_page_of_another_origin_is_refused(ui, path):
    assert 403 == refusal(ui, path, Origin="http://evil.example")


def test_another_host_name_is_not_served(ui):
    assert 403 == refusal(ui, "/api-server/live.json", Host="evil.example")


def test_no_other_origin_may_read_and_answers_contain_no_secret(ui):
    html, headers = ui.get("/", Origin=ui.url)
    token = headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert "HttpOnly" in headers["Set-Cookie"]
    live, live_headers = ui.get("/api-server/live.json")
    for content, given in ((html, headers), (live, live_headers)):
        assert "Access-Control-Allow-Origin" not in given
        assert token.encode() not in content
        assert b"kubeconfig" not in content


def refusal(ui, path, **headers):
    method = "GET" if path.endswith(".json") else "POST"
    request = urllib.request.Request(f"{ui.url}{path}", headers=headers, method=method)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    refused.value.close()
    return refused.value.code


@pytest.fixture(scope="module")
def unseen_since(page):
    """The time at which the last open page was closed."""
    page.goto("about:blank")
    return time.monotonic()


def test_a_taken_port_is_reported_before_any_process_starts(ui, unseen_since):
    port = ui.url.rpartition(":")[2]
    argv = [*BENCH, "ui", "--port", port]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert 1 == done.returncode
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "starting" not in done.stderr


def test_without_an_open_page_the_api_server_is_not_asked_for_its_metrics(ui, unseen_since):
    # until no page has been open for long enough
    time.sleep(max(0.0, unseen_since + 8 - time.monotonic()))
    before = requests_in_audit_log(ui, "harness", "get")
    time.sleep(6)  # longer than from one scrape to the next
    assert before == requests_in_audit_log(ui, "harness", "get")
    assert before > 0


@pytest.mark.parametrize(
    ("words", "alarm"),
    [("kube-apiserver", "The API server is down"), ("/etcd ", "The API server is down")],
    ids=["kube-apiserver", "etcd"],
)
def test_a_killed_control_plane_is_shown_as_down_and_recovers(ui, browser, words, alarm):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    try:
        page.goto(f"{ui.url}/api-server/")
        ui.until(writes_arrive)
        os.kill(ui.pid_of(words), signal.SIGKILL)
        page.wait_for_selector(f".apiserver .alarm:has-text('{alarm}')")
        assert re.search(r"etcd|kube-apiserver", page.locator(".alarm").first.inner_text())
        ui.until(lambda live: live["now"]["api_server_trouble"] is None)
        page.wait_for_selector(f".apiserver .alarm:has-text('{alarm}')", state="detached")
        ui.until(writes_arrive)
    finally:
        page.close()


def writes_arrive(live):
    """Whether the audit log shows writes to the API server in the last seconds."""
    recent = live["points"][-3:]
    return any(sum(point["requests"].get("churn", {}).values()) > 0 for point in recent)
