"""Locust's page over half an hour: open, with users at a rate, its memory does not grow."""

import statistics
import time

import psutil
import pytest

from tests.browser.test_ui import Ui, answering

LONG_S = 1800.0
SETTLE_S = 300.0
EVERY_S = 30.0
GROWTH = 1.10
"""Limit of the last third's median over the first third's: rows are in files, not in memory."""

SWARM = """async (rate) => {
  const form = new URLSearchParams({user_count: 2, spawn_rate: 2, rate});
  const answer = await fetch('/swarm', {method: 'POST', body: form});
  return answer.ok && (await answer.json()).success;
}"""


def memory_bytes(pid):
    """Return the PSS of the process ``pid``."""
    return psutil.Process(pid).memory_full_info().pss


@pytest.mark.soak
@pytest.mark.timeout(LONG_S + SETTLE_S + 600)
def test_half_an_hour_with_an_open_page_leaves_memory_flat(tmp_path, binaries, browser) -> None:
    ui = Ui(tmp_path / "ui.log")
    try:
        page = browser.new_page()
        page.goto(ui.url)
        assert page.evaluate(SWARM, "5")
        page.goto(f"{ui.url}/api-server/")
        ui.until(lambda live: answering("direct")(live) and answering("informer")(live))
        pids = {"harness": ui.process.pid, "locust": ui.pid_of("locustfile.py")}
        time.sleep(SETTLE_S)
        seen = {name: [] for name in pids}
        end = time.monotonic() + LONG_S
        while time.monotonic() < end:
            for name, pid in pids.items():
                seen[name].append(memory_bytes(pid))
            time.sleep(EVERY_S)
        page.close()
    finally:
        assert 130 == ui.stop()
    third = len(seen["harness"]) // 3
    for name, sizes in seen.items():
        first, last = statistics.median(sizes[:third]), statistics.median(sizes[-third:])
        megabytes = [round(size / 1e6) for size in sizes]
        print(f"{name}: {first / 1e6:.1f} MB, then {last / 1e6:.1f} MB")
        assert last <= GROWTH * first, f"{name} grew: {megabytes} MB"
