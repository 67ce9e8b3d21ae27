"""Load process over a long time: only its rows take more memory."""

import psutil
import pytest

LONG_S = 600.0
ROW_BYTES = 5 * 8 + 2 + 2 + 1
"""Bytes of a row in the recorder's arrays, which grow by an eighth more than they need."""
SLACK_BYTES = 8_000_000


@pytest.mark.soak
@pytest.mark.timeout(LONG_S * 3)
def test_the_generators_memory_is_flat_over_ten_minutes_but_for_its_rows(
    start_server, driver
) -> None:
    server = start_server()
    with driver(server.url, rate_rps=200.0, users=64) as running:
        process = psutil.Process(running.pid)
        running.warm_up(30.0)
        # Arrow's allocator keeps the memory of writing rows once, and uses it again
        running.measure(5.0)
        settled = process.memory_info().rss
        running.warm_up(LONG_S)
        idle_growth = process.memory_info().rss - settled
        seen: list[int] = []
        measured = running.measure(LONG_S, lambda _: seen.append(process.memory_info().rss))
    assert 0 == measured.failed
    assert idle_growth < SLACK_BYTES
    assert max(seen) - settled < SLACK_BYTES + 2 * measured.sent * ROW_BYTES
