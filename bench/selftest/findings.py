"""Findings: the fault put in, the size found, and the verdict. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the calibration; every text has its unit.

    ``passed`` is ``None`` for a finding that is stated and not judged.
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
    """All findings, with their runs and environment."""

    schema: int
    started_at: str
    kubernetes: str
    processors: int
    runs: tuple[str, ...]
    findings: tuple[Finding, ...]
    busy_trials: int = 0
    """Trials that began on an otherwise busy machine."""

    @property
    def passed(self) -> bool:
        """Whether at least one finding was judged and none failed."""
        judged = [finding.passed for finding in self.findings if finding.passed is not None]
        return bool(judged) and all(judged)

    @property
    def remark(self) -> str:
        """A reason other than the instrument for failures, "" if there is none."""
        if not self.busy_trials:
            return ""
        return (
            f"The machine was otherwise busy before {self.busy_trials} of the trials: latencies "
            "and CPU may then be wrong. Leave the machine idle and try again."
        )

    def as_json(self) -> dict[str, Any]:
        """Return the calibration as plain values."""
        return {"passed": self.passed, **asdict(self)}

    def as_markdown(self) -> str:
        """Return the calibration as a Markdown page."""
        verdict = "found every fault" if self.passed else "did NOT find every fault"
        made_on = f"{self.started_at}, Kubernetes {self.kubernetes}, {self.processors} processors."
        return "\n".join(
            [
                f"# Calibration: the instrument {verdict}",
                "",
                f"{made_on} Measured by {', '.join(self.runs)}.",
                "",
                *table(self.findings),
                "",
                *([self.remark, ""] if self.remark else []),
            ]
        )


def table(findings: Sequence[Finding]) -> list[str]:
    """Return the findings as the lines of a Markdown table."""
    header = ("check", "put in", "found", "tolerance", "verdict")
    rows = [(f.check, f.put_in, f.found, f.tolerance, f.verdict) for f in findings]
    return [
        _line(header),
        _line(["---"] * len(header)),
        *(_line([" ".join(cell.split()).replace("|", "\\|") for cell in row]) for row in rows),
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
