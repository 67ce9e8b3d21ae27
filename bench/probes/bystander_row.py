"""What became of one request of the bystander."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class BystanderRow:
    """One request; see ``results/README.md`` for the columns. Microseconds, all from one begin."""

    intended_us: int
    sent_us: int | None
    done_us: int | None
    status: int
    outcome: str

    def shifted(self, begin_us: int) -> "BystanderRow":
        """Return the same row with its times counted from ``begin_us``."""
        return replace(
            self,
            intended_us=self.intended_us - begin_us,
            sent_us=None if self.sent_us is None else self.sent_us - begin_us,
            done_us=None if self.done_us is None else self.done_us - begin_us,
        )
