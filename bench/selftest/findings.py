"""Findings: the fault put in, the size found, and whether that is near enough. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the calibration: every text with its unit.

    ``passed`` is ``None`` for what is stated and not judged.
    """

    check: str
    put_in: str
    found: str
    tolerance: str
    passed: bool | None

    @property
    def verdict(self) -> str:
        """PASS, FAIL, or "stated"."""
        return {True: "PASS", False: "FAIL", None: "stated"}[self.passed]


@dataclass(frozen=True, slots=True)
class Calibration:
    """All findings, and where and on what they were made."""

    schema: int
    started_at: str
    kubernetes: str
    processors: int
    runs: tuple[str, ...]
    findings: tuple[Finding, ...]
    busy_trials: int = 0
    """Trials that began on a machine that was busy with something else."""

    @property
    def passed(self) -> bool:
        """Whether nothing failed, and something was judged."""
        judged = [finding.passed for finding in self.findings if finding.passed is not None]
        return bool(judged) and all(judged)

    @property
    def remark(self) -> str:
        """What to know before blaming the instrument, "" if there is nothing."""
        if not self.busy_trials:
            return ""
        return (
            f"The machine was busy with something else before {self.busy_trials} of the trials: "
            "latencies and CPU can then be found wrong. Leave it alone and try again."
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"passed": self.passed, **asdict(self)}

    def as_markdown(self) -> str:
        """Return it as a page."""
        verdict = "found all that was put in" if self.passed else "did NOT find all that was put in"
        made = f"{self.started_at}, Kubernetes {self.kubernetes}, {self.processors} processors."
        return "\n".join(
            [
                f"# Calibration: the instrument {verdict}",
                "",
                f"{made} Measured by {', '.join(self.runs)}.",
                "",
                *table(self.findings),
                "",
                *([self.remark, ""] if self.remark else []),
            ]
        )


def table(findings: Sequence[Finding]) -> list[str]:
    """Return the findings as the lines of a Markdown table."""
    head = ("check", "put in", "found", "tolerance", "verdict")
    rows = [(f.check, f.put_in, f.found, f.tolerance, f.verdict) for f in findings]
    return [
        _line(head),
        _line(["---"] * len(head)),
        *(_line([" ".join(cell.split()).replace("|", "\\|") for cell in row]) for row in rows),
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
