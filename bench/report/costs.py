"""The informer's bill: memory, staleness, start-up, and what its watch costs when nobody reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.summary import Arm
from bench.report.arms import contenders
from bench.report.cards import Place
from bench.report.numbers import interval, number, scale_for
from bench.report.tables import Builder, Row

ROWS = (
    ("memory_end", "memory at the end, PSS", "state"),
    ("memory_peak", "memory, peak, PSS", "state"),
    ("memory_per_pod", "memory for each pod it keeps", "state"),
    ("staleness_p50", "staleness, median, at most", "freshness"),
    ("staleness_p99", "staleness, p99, at most", "freshness"),
    ("stale_first_reads", "first reads older than the write", "freshness"),
    ("event_delay_p50", "until the write's event came, median", "freshness"),
    ("ready", "start to ready", "state"),
    ("ready_requests", "requests until ready", "state"),
    ("ready_bytes", "bytes read until ready", "state"),
    ("server_cpu", "server's own CPU in a second", "cost"),
)
FRESHNESS = ("staleness_p50", "staleness_p99", "stale_first_reads")


@dataclass(frozen=True, slots=True)
class Costs:
    """The table of the bill, what churn costs in a sentence, and what was not measured."""

    servers: tuple[str, ...]
    rows: tuple[Row, ...]
    anchor: str
    churn: str
    lacking: str


def costs(place: Place, subject: str) -> Costs | None:
    """Return what the arms of ``place`` cost; ``None`` without a server."""
    arms = contenders(place.analysis.arms)
    if not arms:
        return None
    build = Builder(arms, place.notes)
    rows = [build.figures(key, title, group) for key, title, group in ROWS if _measured(arms, key)]
    lacking = "" if any(_measured(arms, key) for key in FRESHNESS) else NO_FRESHNESS
    own = next((arm for arm in arms if arm.server == subject), None)
    churn = _churn(place, own) if own is not None else ""
    return Costs(tuple(arm.server for arm in arms), tuple(rows), place.anchor, churn, lacking)


NO_FRESHNESS = (
    "How old the answers were was not measured in this run. An informer's answer is as old as its "
    "last event; a run with the freshness probe says how old that is."
)


def _measured(arms: Sequence[Arm], key: str) -> bool:
    return any(key in arm.figures and arm.figures[key].interval is not None for arm in arms)


def _churn(place: Place, subject: Arm) -> str:
    """Say what the watch costs the control plane under this churn, whether anyone reads or not."""
    scenario = place.analysis.scenario
    if not scenario.is_open or not scenario.churn_per_s or subject.reached:
        # Where reads reach the API server their cost cannot be told from that of the watch.
        return ""
    if not any(arm.is_floor for arm in place.analysis.arms):
        return ""
    cpu, sent = subject.figures["apiserver_cpu"].interval, subject.figures["api_bytes"].interval
    if cpu is None:
        return ""
    within = interval(cpu.low, cpu.high, scale_for((), "ms"))
    shown = f"{number(cpu.value)} ms of CPU a second beyond the floor" + (
        f" [{within}]" if within else ""
    )
    text = (
        f"Its watch costs whether anyone reads or not: at {number(scenario.churn_per_s)} writes/s, "
    )
    if cpu.low is not None and cpu.low > 0:
        text += f"{subject.server} cost the API server {shown}"
    else:
        text += f"no CPU of the API server could be shown ({shown})"
    if sent is not None:
        scale = scale_for((sent.value,), "B/s")
        text += f", and {scale.show(sent.value)} {scale.unit} of events"
    return f"{text}. Each further replica costs the same again."
