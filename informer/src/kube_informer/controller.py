"""The loop of a controller: fill the informers, run the workers, shut down in order."""

import logging
import threading
import time
from collections.abc import Callable

from kube_informer.errors import SyncError
from kube_informer.factory import SharedInformerFactory
from kube_informer.workqueue import Key, WorkQueue

log = logging.getLogger(__name__)

REPORT_S = 10.0
"""Seconds between two log lines that say that the caches are not filled yet."""
STOP_CHECK_S = 0.5
"""Seconds between two looks at ``stop`` while the caches fill."""


def run_controller(
    informers: SharedInformerFactory,
    queue: WorkQueue[Key],
    reconcile: Callable[[Key], None],
    stop: threading.Event,
    *,
    workers: int = 2,
    drain_s: float = 10.0,
) -> None:
    """Start ``informers``, wait until they are filled, and work on ``queue`` until ``stop`` is set.

    ``reconcile`` runs on ``workers`` threads, never on one key twice at once, and
    never before every cache is filled; a key on which it raises is logged and
    queued again, rate limited. While the caches are not filled, the reason is
    logged every ten seconds; the loop waits for a resource that does not exist yet.
    At the end the keys that wait or are processed get ``drain_s`` seconds.
    """
    informers.start()
    filled = False
    try:
        filled = _filled(informers, stop)
        if filled:
            for number in range(workers):
                threading.Thread(
                    target=queue.work, args=(reconcile,), name=f"worker {number}", daemon=True
                ).start()
            log.info("the caches are filled; %d workers started", workers)
            stop.wait()
    finally:
        informers.shutdown()
        if not filled:
            queue.shut_down()  # no worker would ever take the keys that wait
        elif not queue.shut_down_with_drain(timeout=drain_s):
            log.warning("the queue was not empty %s s after its shutdown", drain_s)


def _filled(informers: SharedInformerFactory, stop: threading.Event) -> bool:
    """Wait for the first fill of all informers; return false if ``stop`` is set first."""
    reported = time.monotonic()
    while not stop.is_set():
        try:
            if informers.wait_for_cache_sync(timeout=STOP_CHECK_S):
                return True
            if time.monotonic() - reported < REPORT_S:
                continue
            reported = time.monotonic()
            reasons = [
                f"{informer.resource.plural}: {informer.last_error or 'no answer yet'}"
                for informer in informers.informers
                if not informer.has_synced
            ]
            log.warning("not filled yet: %s", "; ".join(reasons))
        except SyncError as error:
            log.warning("not filled yet: %s", error)
            stop.wait(REPORT_S)
    return False
