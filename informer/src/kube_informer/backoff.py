"""How long to wait after a failure: client-go's reflector back-off, with nothing hidden."""

from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """The defaults are those of client-go's ``NewReflector``.

    A delay is the step, 0.8 s doubled up to 30 s, plus up to ``jitter`` times as
    much again; after ``reset_s`` of health the steps start anew.
    """

    initial_s: float = 0.8
    factor: float = 2.0
    cap_s: float = 30.0
    jitter: float = 1.0
    reset_s: float = 120.0


@dataclass(slots=True)
class Backoff:
    """The state of one sequence of delays; the clock's readings are handed in."""

    policy: BackoffPolicy = field(default_factory=BackoffPolicy)
    random: Random = field(default_factory=Random)
    _step_s: float = 0.0
    _healthy_since: float | None = None

    def next(self, now: float, at_least_s: float = 0.0) -> float:
        """Return the next delay in seconds, at ``now`` on a monotonic clock.

        ``at_least_s`` is what the server asked for (Retry-After).
        """
        policy = self.policy
        rested = self._healthy_since is None or now - self._healthy_since >= policy.reset_s
        self._step_s = policy.initial_s if rested else self._step_s * policy.factor
        self._step_s = min(self._step_s, policy.cap_s)
        delay = self._step_s * (1.0 + self.random.random() * policy.jitter)
        delay = max(delay, at_least_s)
        self._healthy_since = now + delay
        return delay
