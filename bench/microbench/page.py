"""``python -m bench.microbench.page``: CPU cost and response time of the page of ``bench ui``.

The figures: the processor time of harness and Locust with one page open, less the
time with none; the scrapes of the API server's metrics with no page open; and the
response time of the page while its users send requests at full speed.
"""

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

import bench
from bench.microbench.side_by_side import options

ROOT = Path(bench.__file__).parents[1]
START_S = 240.0
SETTLE_S = 8.0
"""Seconds after which a closed page counts as gone; see ``bench.load.webui.page``."""
PAGE_EVERY_S = 2.0
"""Interval of an open page's requests."""
CPU_BOUND = 0.02
ANSWER_BOUND_S = 0.2


class Page:
    """A running ``python -m bench ui``: sends its page's requests, and measures its processes."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str, audit_log: Path) -> None:
        self._process = process
        self._url = url
        self._audit_log = audit_log

    def ask(self, path: str, **form: object) -> float:
        """GET ``path``, or POST ``form`` to it; return the response time in seconds."""
        data = urllib.parse.urlencode(form).encode() if form else None
        began = time.monotonic()
        with urllib.request.urlopen(f"{self._url}{path}", data=data, timeout=30) as answer:
            answer.read()
        return time.monotonic() - began

    def look(self, seconds: float) -> list[float]:
        """Request the live figures as often as an open page does; return the response times."""
        times_s, end, seq = [], time.monotonic() + seconds, 0
        while (left_s := end - time.monotonic()) > 0:
            began = time.monotonic()
            with urllib.request.urlopen(
                f"{self._url}/api-server/live.json?since={seq}", timeout=30
            ) as answer:
                seq = json.load(answer)["seq"]
            times_s.append(time.monotonic() - began)
            time.sleep(min(PAGE_EVERY_S, left_s))
        return times_s

    def cpu_s(self) -> float:
        """Return the CPU seconds of harness and Locust, which make the live figures."""
        harness = psutil.Process(self._process.pid)
        children = harness.children(recursive=True)
        locust = [child for child in children if "--web-port" in child.cmdline()]
        times = [process.cpu_times() for process in (harness, *locust)]
        return sum(cpu.user + cpu.system for cpu in times)

    def scrapes(self) -> int:
        """Return the number of scrapes of the API server's metrics by the harness so far."""
        log = self._audit_log.read_text(errors="replace")
        return len(re.findall(r'"requestURI":"/metrics[^"]*"', log))


@contextmanager
def page(pods: int) -> Iterator[Page]:
    """Run ``python -m bench ui`` for the length of the block."""
    argv = [sys.executable, "-m", "bench", "ui", "--port", "0", "--pods", str(pods)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(argv, cwd=ROOT, stderr=log)
        try:
            text = _announced(process, log.fileno())
            yield Page(process, _printed(text, "page"), Path(_printed(text, "audit log")))
        finally:
            process.terminate()
            process.wait()


def _announced(process: "subprocess.Popen[bytes]", log: int) -> str:
    deadline = time.monotonic() + START_S
    while True:
        text = Path(f"/proc/self/fd/{log}").read_text(errors="replace")
        if "ends it all" in text:
            return text
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"python -m bench ui did not come up:\n{text}")
        time.sleep(0.1)


def _printed(text: str, name: str) -> str:
    match = re.search(rf"^  {name} +(\S+)$", text, re.MULTILINE)
    if match is None:
        raise SystemExit(f"python -m bench ui did not name its {name}:\n{text}")
    return match.group(1)


def share_of_a_core(page: Page, seconds: float, *, looking: bool) -> float:
    """Return the processor time per second over ``seconds``, with one page open or with none."""
    began, before = time.monotonic(), page.cpu_s()
    if looking:
        page.look(seconds)
    else:
        time.sleep(seconds)
    return (page.cpu_s() - before) / (time.monotonic() - began)


def main() -> int:
    """Measure and print; return 1 if a bound is exceeded."""
    arguments = options(
        "page",
        "CPU cost and response time of the page of python -m bench ui.",
        pods=(200, "pods in the cluster"),
        users=(8, "users of each class, at full speed"),
        seconds=(20.0, "length of each measurement"),
        rounds=(3, "measurements of the CPU cost"),
    )
    with page(arguments.pods) as ui:
        costs = [_cost(ui, arguments.seconds) for _ in range(arguments.rounds)]
        before = ui.scrapes()
        time.sleep(arguments.seconds)
        scraped = ui.scrapes() - before
        ui.ask("/swarm", user_count=arguments.users, spawn_rate=arguments.users)
        time.sleep(3.0)
        times_s = ui.look(arguments.seconds)
        times_s += [ui.ask("/stats/requests") for _ in range(20)]
        ui.ask("/stop", stop="now")
    return _report(costs, scraped, times_s)


def _cost(ui: Page, seconds: float) -> float:
    """Return the CPU share of one open page, less the share without any."""
    opened = share_of_a_core(ui, seconds, looking=True)
    time.sleep(SETTLE_S)
    return opened - share_of_a_core(ui, seconds, looking=False)


def _report(costs: list[float], scraped: int, times_s: list[float]) -> int:
    cost, slowest = statistics.median(costs), max(times_s)
    spread = ", ".join(f"{share:.2%}" for share in sorted(costs))
    print(f"an open page, less none: {cost:.2%} of a core ({spread}); bound {CPU_BOUND:.0%}")
    print(f"no page open: {scraped} scrapes of the API server's metrics; bound 0")
    print(
        f"answers at the generator's top rate: median {statistics.median(times_s) * 1e3:.0f} ms, "
        f"slowest {slowest * 1e3:.0f} ms of {len(times_s)}; bound {ANSWER_BOUND_S * 1e3:.0f} ms"
    )
    return 0 if cost <= CPU_BOUND and not scraped and slowest <= ANSWER_BOUND_S else 1


if __name__ == "__main__":
    sys.exit(main())
