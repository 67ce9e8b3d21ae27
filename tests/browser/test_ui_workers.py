"""Locust's page with workers, one of them from elsewhere: all counts merge, none is lost."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tarfile
import time
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

import pandas as pd
import psutil
import pytest

from tests.browser.test_ui import ROOT, Ui, answering, last, requests_in_audit_log

ADDRESS = "127.0.0.2"
OPTIONS = ("--workers", "1", "--expect-workers", "1", "--pods", "20")


@pytest.fixture(scope="module")
def ui(tmp_path_factory, binaries):
    """The page, whose master and servers have their own address."""
    log = tmp_path_factory.mktemp("ui") / "ui.log"
    bind = ("--master-bind-host", ADDRESS, "--master-bind-port", "0")
    started = Ui(log, *OPTIONS, *bind)
    yield started
    assert 130 == started.stop()
    assert {} == started.processes()


@pytest.fixture(scope="module")
def joined(ui, tmp_path_factory):
    """A worker started by the command that the page's terminal shows."""
    command = re.search(r"^ +\.venv/bin/locust (.*)$", ui.log.read_text(), re.MULTILINE)
    assert command is not None
    argv = [sys.executable, "-m", "locust", *shlex.split(command.group(1))]
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with log.open("wb") as file:
        process = subprocess.Popen(argv, cwd=ROOT, stdout=file, stderr=file)
    try:
        until(lambda: 2 == workers(ui), log)
        yield process
    finally:
        process.kill()
        process.wait()


def until(holds, log, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.3)


def workers(ui):
    return json.loads(ui.get("/worker-count")[0])["worker_count"]


def users_of_workers(ui):
    return [worker["user_count"] for worker in json.loads(ui.get("/stats/requests")[0])["workers"]]


def post(ui, path, **form):
    """Send a form as the page would, with its cookie, and return the answer's body."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    opener.open(f"{ui.url}/", timeout=30).close()
    data = urllib.parse.urlencode(form, doseq=True).encode()
    with opener.open(f"{ui.url}{path}", data=data, timeout=60) as answer:
        return answer.read()


def swarm(ui, *classes):
    """Start a user of each class, one on each worker."""
    form = {"user_count": len(classes), "spawn_rate": len(classes), "user_classes": classes}
    assert json.loads(post(ui, "/swarm", rate="5", **form))["success"]


def test_statistics_and_rows_of_all_workers_are_merged(ui, joined, tmp_path):
    ui.live()  # from here on the audit log is followed
    ui.followed_from = ui.audit_log.stat().st_size
    swarm(ui, "direct: list all", "direct: one namespace")
    until(lambda: [1, 1] == users_of_workers(ui), ui.log)
    ui.until(answering("direct"))
    time.sleep(1)  # later rows come with the next report
    post(ui, "/stop")
    ui.until(
        lambda live: live["test"]["state"] == "stopped" and not last(live)["answers"]["direct"]
    )
    archive = tmp_path / "session.tar.gz"
    archive.write_bytes(post(ui, "/api-server/session"))  # once all workers have reported
    asked = requests_in_audit_log(ui, "direct", "list")
    statistics = json.loads(ui.get("/stats/requests")[0])
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    (rows,) = tmp_path.glob("*/trials/*/requests.parquet")
    total = next(entry for entry in statistics["stats"] if entry["name"] == "Aggregated")
    answered = pd.read_parquet(rows)
    # the probe's reads are of one pod, and no lists
    assert asked == total["num_requests"] == len(answered) > 10
    assert total["median_response_time"] > 0


def test_a_dead_worker_is_reported_and_started_again_while_the_other_continues(ui, joined):
    swarm(ui, "direct: list all", "informer: list all")
    ui.until(answering("informer"))
    (pid,) = ui_workers(joined)
    os.kill(pid, signal.SIGKILL)
    until(lambda: "worker 1 was killed by SIGKILL" in ui.log.read_text(), ui.log)
    ui.until(answering("informer"))
    until(lambda: "worker 1 runs again" in ui.log.read_text(), ui.log)
    until(lambda: 2 == workers(ui), ui.log)
    post(ui, "/stop")


def ui_workers(joined):
    """Return the ids of the workers that the page's command started itself."""
    pids = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if " --worker " in line and f"--master-host {ADDRESS}" in line:
            pids.append(process.info["pid"])
    return [pid for pid in pids if pid != joined.pid]
