"""A queue of keys to work on, with client-go's semantics.

A key added while it waits is not added again; a key added while it is being
worked on is queued again when that work is done. So no key is ever worked on
twice at once, and no change is forgotten.
"""

import heapq
import itertools
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from kube_informer.errors import InformerError

log = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)
Limited_contra = TypeVar("Limited_contra", bound=Hashable, contravariant=True)


class ShutDownError(InformerError):
    """Raised when the queue was shut down and is empty."""


class RateLimiter(Protocol[Limited_contra]):
    """Decides how long a key that failed waits."""

    def when(self, key: Limited_contra) -> float:
        """Return the delay in seconds before the next try, and count this failure."""

    def forget(self, key: Limited_contra) -> None:
        """Reset the failures of a key that succeeded."""

    def retries(self, key: Limited_contra) -> int:
        """Return how often the key failed since it was forgotten."""


class DefaultRateLimiter(Generic[Key]):
    """client-go's default: per key 5 ms doubled up to 1,000 s; over all keys 10/s, burst 100.

    The longer of the two is the delay.
    """

    def __init__(
        self,
        *,
        base_s: float = 0.005,
        cap_s: float = 1000.0,
        rate_per_s: float = 10.0,
        burst: int = 100,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._clock = clock
        self._failures: dict[Key, int] = {}
        self._rate_per_s = rate_per_s
        self._burst = self._tokens = float(burst)  # a bucket of tokens, as it was at _filled_at
        self._filled_at = clock()
        self._lock = threading.Lock()

    def when(self, key: Key) -> float:
        """Return the delay in seconds before the next try, and count this failure."""
        with self._lock:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
            # 2**1024 overflows a float; the cap is reached long before.
            delay_s = min(self._base_s * 2.0 ** min(failures, 64), self._cap_s)
            return max(delay_s, self._overall_delay_s())

    def forget(self, key: Key) -> None:
        """Reset the failures of a key that succeeded."""
        with self._lock:
            self._failures.pop(key, None)

    def retries(self, key: Key) -> int:
        """Return how often the key failed since it was forgotten."""
        return self._failures.get(key, 0)

    def _overall_delay_s(self) -> float:
        now = self._clock()
        added = (now - self._filled_at) * self._rate_per_s
        self._filled_at = now
        self._tokens = min(self._burst, self._tokens + added) - 1.0
        return max(0.0, -self._tokens / self._rate_per_s)


class WorkQueue(Generic[Key]):
    """Keys to work on. Any number of threads may add and get."""

    def __init__(
        self,
        *,
        rate_limiter: RateLimiter[Key] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limiter = rate_limiter or DefaultRateLimiter[Key]()
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: deque[Key] = deque()
        self._dirty: set[Key] = set()
        self._processing: set[Key] = set()
        self._later: list[tuple[float, int, Key]] = []
        self._due: dict[Key, float] = {}
        self._order = itertools.count()
        self._shut_down = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def shutting_down(self) -> bool:
        """Whether the queue takes no more keys."""
        return self._shut_down

    def add(self, key: Key) -> None:
        """Add a key, unless it already waits; do nothing once shut down."""
        with self._changed:
            self._add(key)

    def add_after(self, key: Key, delay_s: float) -> None:
        """Add a key once ``delay_s`` seconds have passed; at once if it is not positive.

        A key that is delayed already keeps the earlier of its two times.
        """
        with self._changed:
            if self._shut_down:
                return
            if delay_s <= 0:
                self._add(key)
                return
            due = self._clock() + delay_s
            if due >= self._due.get(key, math.inf):
                return
            self._due[key] = due
            heapq.heappush(self._later, (due, next(self._order), key))
            # All waiters: none may wait longer than until this key is due.
            self._changed.notify_all()

    def add_rate_limited(self, key: Key) -> None:
        """Add a key that failed, after the delay that the rate limiter sets."""
        self.add_after(key, self._limiter.when(key))

    def forget(self, key: Key) -> None:
        """Reset the failures of a key that succeeded; call it beside :meth:`done`, not instead."""
        self._limiter.forget(key)

    def num_requeues(self, key: Key) -> int:
        """Return how often the key failed since it was forgotten."""
        return self._limiter.retries(key)

    def get(self, timeout: float | None = None) -> Key:
        """Take the next key, or wait for one; :meth:`done` must follow.

        Raise :class:`ShutDownError` when the queue was shut down and is empty,
        ``TimeoutError`` when nothing came in time.
        """
        deadline = None if timeout is None else self._clock() + timeout
        with self._changed:
            while True:
                self._add_due()
                if self._waiting:
                    key = self._waiting.popleft()
                    self._processing.add(key)
                    self._dirty.discard(key)
                    return key
                if self._shut_down:
                    raise ShutDownError("the work queue was shut down")
                waits_s = [] if deadline is None else [deadline - self._clock()]
                if waits_s and waits_s[0] <= 0:
                    raise TimeoutError(f"no key came within {timeout} s")
                if self._later:
                    waits_s.append(max(self._later[0][0] - self._clock(), 0.0))
                self._changed.wait(min(waits_s) if waits_s else None)

    def done(self, key: Key) -> None:
        """Mark the work on a key as ended; if it was added meanwhile, it waits again."""
        with self._changed:
            self._processing.discard(key)
            if key in self._dirty:
                self._waiting.append(key)
            self._changed.notify_all()

    def work(self, reconcile: Callable[[Key], None]) -> None:
        """Call ``reconcile`` with key after key until the queue is shut down and empty.

        Run it on one thread for each key to work on at once. A key whose ``reconcile``
        raises is logged and queued again, rate limited.
        """
        while True:
            try:
                key = self.get()
            except ShutDownError:
                return
            try:
                reconcile(key)
            except KeyboardInterrupt:
                raise
            except BaseException:  # sys.exit in reconcile would end the thread silently
                log.exception("reconciling %s failed; it is tried again", key)
                self.add_rate_limited(key)
            else:
                self.forget(key)
            finally:
                self.done(key)

    def shut_down(self) -> None:
        """Take no more keys; hand out those that wait, then ``get`` raises."""
        with self._changed:
            self._shut_down = True
            self._later.clear()
            self._due.clear()
            self._changed.notify_all()

    def shut_down_with_drain(self, timeout: float | None = None) -> bool:
        """Shut down and wait until every key is done; return whether all were in time."""
        self.shut_down()
        deadline = None if timeout is None else self._clock() + timeout
        with self._changed:
            while self._waiting or self._processing:
                remaining_s = None if deadline is None else deadline - self._clock()
                if remaining_s is not None and remaining_s <= 0:
                    return False
                self._changed.wait(remaining_s)
            return True

    def _add(self, key: Key) -> None:
        if self._shut_down or key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._processing:
            self._waiting.append(key)
            self._changed.notify()

    def _add_due(self) -> None:
        now = self._clock()
        while self._later and self._later[0][0] <= now:
            due, _, key = heapq.heappop(self._later)
            # If the times differ, the key was due sooner, and has been added.
            if self._due.get(key) == due:
                del self._due[key]
                self._add(key)
