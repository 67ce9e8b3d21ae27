"""How much the rounds differ among themselves, and which of them stand apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.run import RunAnalysis
from bench.analysis.spread import outlying
from bench.report.arms import contenders
from bench.report.numbers import MISSING, number

KEYS = ("throughput", "p50", "apiserver_cpu", "api_bytes", "server_cpu", "memory_end", "ready")


@dataclass(frozen=True, slots=True)
class NoiseRow:
    """One metric of one scenario: a cell an arm, "3.1%", with the rounds that stand apart."""

    scenario: str
    title: str
    cells: tuple[str, ...]


def noise(analysis: RunAnalysis) -> tuple[tuple[str, ...], list[NoiseRow]]:
    """Return the arms, and the variation over rounds of each figure that several rounds have."""
    servers = list(
        dict.fromkeys(arm.server for one in analysis.scenarios for arm in contenders(one.arms))
    )
    rows = []
    for one in analysis.scenarios:
        arms = {arm.server: arm for arm in contenders(one.arms)}
        for key in KEYS:
            figures = {server: arm.figures.get(key) for server, arm in arms.items()}
            cells = tuple(
                _cell(figure.spread, outlying(figure.rounds)) if figure else MISSING
                for figure in (figures.get(server) for server in servers)
            )
            known = [figure for figure in figures.values() if figure is not None]
            if known and any(cell != MISSING for cell in cells):
                rows.append(NoiseRow(one.scenario.name, known[0].metric.title, cells))
    return tuple(servers), rows


def _cell(spread: float | None, odd: Sequence[int]) -> str:
    if spread is None:
        return MISSING
    text = f"{number(spread * 100)}%"
    if odd:
        word = "round" if len(odd) == 1 else "rounds"
        text += f" ({word} {', '.join(str(one) for one in odd)} apart)"
    return text
