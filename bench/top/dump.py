"""Requests that an API server executes or queues, as its flow control dumps them.

Source: ``k8s.io/apiserver/pkg/util/flowcontrol/apf_controller_debug.go``. A comma and blanks
separate cells, and names of users may contain them too. An executing request has -1 for its
position in a queue.
"""

import datetime as dt
import re
from dataclasses import dataclass

PATH = "/debug/api_priority_and_fairness/dump_requests"
DETAILED = f"{PATH}?includeRequestDetails=1"
EXECUTING = "-1"
STARTED = "StartTime"
_CELLS = re.compile(r",\s+|,$")
_FORMS = {
    "FlowDistingsher": ".*?",
    "ArriveTime": r"\d{4}-\d\d-\d\dT[^,]++",
    STARTED: r"\d{4}-\d\d-\d\dT[^,]++",
    "InitialSeats": r"\d+",
    "UserName": ".*?",
    "Verb": "[a-z]*+",
    "APIPath": "/.*?",
}
"""Pattern by cell; other cells have no comma."""
_FRACTION = re.compile(r"\.(\d+)Z$")


class DumpError(Exception):
    """Raised for a dump that this program cannot read; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class RequestKind:
    """A user's requests of one kind, which are summed up."""

    user: str
    verb: str
    resource: str
    scope: str
    """all, namespace or object; "" if the request is for no resource."""
    level: str
    """Priority level."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """A request of a dump; times are seconds since the epoch, by the API server's clock."""

    asked: RequestKind
    path: str
    seats: int
    arrived_s: float
    started_s: float | None
    """``None`` while it waits in a queue."""


def parse(body: bytes) -> list[InFlight]:
    """Return the requests of a dump. Raises ``DumpError``."""
    header, *lines = body.decode(errors="replace").split("\n")
    names = [cell.strip() for cell in _CELLS.split(header)]
    if "UserName" not in names:
        raise DumpError(f"no dump of requests: it begins {header[:80]!r}")
    if STARTED not in names:
        raise DumpError("this API server dumps queued requests, not those that it executes")
    cells = (f"(?P<{name}>{_FORMS.get(name, '[^,]*+')})" for name in names if name)
    row = re.compile(r",\s++".join(cells) + r",?\s*+")
    # a path may contain a line break, which makes two invalid lines
    matches = map(row.fullmatch, lines)
    return [_request(match.groupdict()) for match in matches if match is not None]


def _request(cells: dict[str, str]) -> InFlight:
    resource, subresource = cells.get("Resource", ""), cells.get("SubResource", "")
    group = cells.get("APIVersion", "").rpartition("/")[0]
    if group:
        resource = f"{resource}.{group}"
    if subresource:
        resource = f"{resource}/{subresource}"
    scope = "object" if cells.get("Name") else "namespace" if cells.get("Namespace") else "all"
    path = cells.get("APIPath", "")
    return InFlight(
        RequestKind(
            cells["UserName"],
            cells.get("Verb", ""),
            resource or path,
            scope if resource else "",
            cells["PriorityLevelName"],
        ),
        path,
        int(cells["InitialSeats"]),
        _seconds(cells["ArriveTime"]),
        _seconds(cells[STARTED]) if cells["RequestIndexInQueue"] == EXECUTING else None,
    )


def _seconds(text: str) -> float:
    """Return Go's RFC 3339 time, with up to nine decimals, as seconds since the epoch."""
    whole = dt.datetime.fromisoformat(_FRACTION.sub("Z", text)).timestamp()
    fraction = _FRACTION.search(text)
    return whole + float(f"0.{fraction[1]}") if fraction else whole
