"""What a subject showed at the end of a history, in words that can be compared."""

import time
from collections.abc import Mapping

from informer.conformance.processes import Subject

SETTLES_WITHIN_S = 25.0
TOLD_WITHIN_S = 10.0
POLL_S = 0.2
STOPS_WITHIN_S = 5.0
SOME_REPEATS = 20
CALM_REQUESTS = 20
"""More requests than this during a fault are a busy loop: a back-off like client-go's sends 6."""

Findings = dict[str, str]

AS_IT_SHOULD_BE: Findings = {
    "synced": "yes",
    "cache": "as the server",
    "handlers": "as the cache",
    "updates without a change": "none",
    "requests": "bounded",
    "stops": "within 5 s",
}
"""Each thing that is looked at, and what a faultless informer shows."""


def observe(
    subject: Subject, truth: Mapping[str, str], fault_requests: int | None = None
) -> Findings:
    """Return what the subject shows once it has settled on ``truth``, or not in time; stop it."""
    found: Findings = {}
    deadline = time.monotonic() + SETTLES_WITHIN_S
    while (cache := subject.cache()) != truth and time.monotonic() < deadline:
        time.sleep(POLL_S)
    settled = cache == truth
    synced = subject.wait(lambda: subject.saw("synced"), TOLD_WITHIN_S)
    found["synced"] = "yes" if synced else "no"
    found["cache"] = "as the server" if settled else _difference(cache, truth)
    told = subject.wait(lambda: subject.told() == cache, TOLD_WITHIN_S)
    found["handlers"] = "as the cache" if told else _difference(subject.told(), cache)
    repeats = subject.repeats()
    found["updates without a change"] = (
        "none" if not repeats else "some" if repeats <= SOME_REPEATS else "many"
    )
    if fault_requests is not None:
        found["requests"] = "bounded" if fault_requests <= CALM_REQUESTS else "a busy loop"
    stopped = subject.stop(STOPS_WITHIN_S)
    found["stops"] = "within 5 s" if stopped else "not within 5 s"
    return found


def _difference(seen: Mapping[str, str], truth: Mapping[str, str]) -> str:
    counts = {
        "missing": len(truth.keys() - seen.keys()),
        "too many": len(seen.keys() - truth.keys()),
        "not up to date": sum(seen[key] != truth[key] for key in seen.keys() & truth.keys()),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)
