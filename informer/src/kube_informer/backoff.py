"""The delay after a failure: client-go's reflector back-off, with every parameter visible."""

from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """The defaults are those of client-go's ``NewReflector``, but for ``healthy_s``.

    A delay is the step, 0.8 s doubled up to 30 s, plus up to ``jitter`` times as
    much again. The steps start anew once a stream sends an event or bookmark, or ends,
    ``healthy_s`` or more after its opening; client-go waits for two minutes without a failure.
    """

    initial_s: float = 0.8
    factor: float = 2.0
    cap_s: float = 30.0
    jitter: float = 1.0
    healthy_s: float = 10.0


@dataclass(slots=True)
class Backoff:
    """The state of one sequence of delays."""

    policy: BackoffPolicy = field(default_factory=BackoffPolicy)
    random: Random = field(default_factory=Random)
    _step_s: float = 0.0

    def next(self, at_least_s: float = 0.0) -> float:
        """Return the next delay in seconds, at least ``at_least_s``, the server's request."""
        policy = self.policy
        self._step_s = min(self._step_s * policy.factor or policy.initial_s, policy.cap_s)
        delay = self._step_s * (1.0 + self.random.random() * policy.jitter)
        return max(delay, at_least_s)

    def reset(self) -> None:
        """Start the sequence anew."""
        self._step_s = 0.0
