"""How old an answer may be, and what an innocent client waits: what the two observers saw."""

from collections.abc import Mapping, Sequence

from bench.analysis.freshness import Freshness
from bench.analysis.summary import Arm
from bench.report.chart import Chart
from bench.report.charts.distribution import distribution
from bench.report.numbers import number, share

FRESH_TITLE = "Freshness: from an acknowledged write to the first read that shows it"
FRESH_SOURCE = "freshness.parquet: fresh_done_us - acked_us; first_stale; event_us - acked_us"
BYSTANDER_TITLE = "What another client waits meanwhile"
BYSTANDER_SOURCE = "bystander.parquet: done_us - intended_us of rows with outcome ok"


def freshness(arms: Sequence[Arm], colours: Mapping[str, str], name: str) -> Chart | None:
    """Draw the upper bounds of staleness by arm; ``None`` where the run has no probe."""
    found = {arm.server: arm.freshness for arm in arms if arm.freshness is not None}
    if not found:
        return None
    said = "; ".join(f"{server}: {_first_reads(one)}{_event(one)}" for server, one in found.items())
    return distribution(
        FRESH_TITLE,
        {server: one.upper for server, one in found.items()},
        colours,
        name=name,
        source=FRESH_SOURCE,
        caption="A probe writes a pod and reads it from the server until the write shows. An upper "
        f"bound: the time of that read is in it. First reads older than the write: {said}.",
        empty="no write was seen again",
    )


def _first_reads(one: Freshness) -> str:
    if not one.first_reads:
        return "none judged"
    part = share(one.first_stale / one.first_reads)
    return f"{one.first_stale:,} of {one.first_reads:,} ({part}%)"


def _event(one: Freshness) -> str:
    median = one.event_delay.percentile(0.5)
    if median.value_ms is None:
        return ""
    return f", its event came after {number(median.value_ms)} ms in the median"


def bystander(arms: Sequence[Arm], colours: Mapping[str, str], name: str) -> Chart | None:
    """Draw the bystander's latency under each arm; ``None`` where the run has none."""
    parts = {arm.server: arm.bystander for arm in arms if arm.bystander and arm.bystander.samples}
    if not parts:
        return None
    return distribution(
        BYSTANDER_TITLE,
        parts,
        colours,
        name=name,
        source=BYSTANDER_SOURCE,
        caption="An innocent client asks the API server for one small object, slowly and "
        "steadily: this is what other tenants pay for the arm that is being measured.",
    )
