"""The findings on a subject at the end of a history, in words that can be compared."""

import time
from collections.abc import Mapping

from informer.conformance.processes import Subject

SETTLES_WITHIN_S = 25.0
NOTIFIES_WITHIN_S = 10.0
POLL_S = 0.2
STOPS_WITHIN_S = 5.0
SOME_REPEATS = 20
BOUNDED_REQUESTS = 20
"""More requests than this during a fault are a busy loop: a back-off like client-go's sends 6."""

Findings = dict[str, str]

FAULTLESS: Findings = {
    "synced": "yes",
    "cache": "as the server",
    "handlers": "as the cache",
    "updates without a change": "none",
    "requests": "bounded",
    "stops": "within 5 s",
}
"""Each aspect that is observed, and the finding on a faultless informer."""


def observe(
    subject: Subject, truth: Mapping[str, str], fault_requests: int | None = None
) -> Findings:
    """Return the findings once the subject has settled on ``truth``, or not in time; stop it."""
    findings: Findings = {}
    deadline = time.monotonic() + SETTLES_WITHIN_S
    while (cache := subject.cache()) != truth and time.monotonic() < deadline:
        time.sleep(POLL_S)
    settled = cache == truth
    synced = subject.wait(lambda: subject.saw("synced"), NOTIFIES_WITHIN_S)
    findings["synced"] = "yes" if synced else "no"
    findings["cache"] = "as the server" if settled else _difference(cache, truth)
    notified = subject.wait(lambda: subject.notified() == cache, NOTIFIES_WITHIN_S)
    findings["handlers"] = "as the cache" if notified else _difference(subject.notified(), cache)
    repeats = subject.repeats()
    findings["updates without a change"] = (
        "none" if not repeats else "some" if repeats <= SOME_REPEATS else "many"
    )
    if fault_requests is not None:
        findings["requests"] = "bounded" if fault_requests <= BOUNDED_REQUESTS else "a busy loop"
    stopped = subject.stop(STOPS_WITHIN_S)
    findings["stops"] = "within 5 s" if stopped else "not within 5 s"
    return findings


def _difference(seen: Mapping[str, str], truth: Mapping[str, str]) -> str:
    counts = {
        "missing": len(truth.keys() - seen.keys()),
        "too many": len(seen.keys() - truth.keys()),
        "not up to date": sum(seen[key] != truth[key] for key in seen.keys() & truth.keys()),
    }
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
