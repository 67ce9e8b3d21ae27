"""The four outcomes, and the exit code of each."""

from enum import StrEnum


class Outcome(StrEnum):
    """What a rule, and the gate as a whole, comes to."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"

    @property
    def exit_code(self) -> int:
        """Return the exit code: apart from 1 (any failure) and 2 (usage) of other programs."""
        return EXIT_CODES[self]


EXIT_CODES = {
    Outcome.PASS: 0,
    Outcome.FAIL: 10,
    Outcome.INCONCLUSIVE: 11,
    Outcome.INVALID: 12,
}

GRAVEST_FIRST = (Outcome.INVALID, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)
"""The gate comes to the gravest of its rules: what is invalid says nothing of what failed."""
