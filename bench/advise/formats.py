"""Turn records of audit logs into requests; each record's format is recognised by itself.

Sources of the formats: ``k8s.io/apiserver/pkg/apis/audit/v1`` (Event, EventList), Google Cloud's
LogEntry with an AuditLog in ``protoPayload``, Azure Monitor's resource logs of the categories
kube-audit and kube-audit-admin and its table AzureDiagnostics, CloudWatch Logs' events as its
API, its export to S3 and its subscriptions give them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec

STARTED, COMPLETE = "ResponseStarted", "ResponseComplete"
ANSWERED = (COMPLETE, "Panic")
WATCH = "watch"
READ_VERBS = ("get", "list", WATCH)
ADMIN_CATEGORY = "kube-audit-admin"
"""Azure's category that leaves out get and list."""
ACTIVITY = "cloudaudit.googleapis.com%2Factivity"
"""Google's log of writes; reads are in its data access log, if that is switched on."""
KUBERNETES, EVENT_LIST = "kube-apiserver", "EventList"
CLOUDWATCH, GOOGLE, AZURE = "EKS CloudWatch", "GKE LogEntry", "AKS diagnostic record"
GRPC = {0: 200, 3: 400, 5: 404, 6: 409, 7: 403, 8: 429, 10: 409, 16: 401}
"""gRPC codes (google.rpc.Code), which Google's entries have, to HTTP; others count as 500."""


class Request(NamedTuple):
    """A line of the log: an answered request, or the begin of a watch. Times are as in the log."""

    received: str
    at: str
    user: str
    agent: str
    address: str
    verb: str
    resource: str
    """``deployments.apps``, ``pods/log``; empty for a path that is not a resource."""
    namespace: str
    name: str
    query: str
    started: bool
    code: int


class _Named(msgspec.Struct):
    username: str = ""


class _Reference(msgspec.Struct, rename="camel"):
    resource: str = ""
    api_group: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


class _Status(msgspec.Struct):
    code: int = 0


class _Caller(msgspec.Struct, rename="camel"):
    caller_ip: str = ""
    caller_supplied_user_agent: str = ""


class _Principal(msgspec.Struct, rename="camel"):
    principal_email: str = ""


class _Google(msgspec.Struct, rename="camel"):
    method_name: str = ""
    resource_name: str = ""
    authentication_info: _Principal = msgspec.field(default_factory=_Principal)
    request_metadata: _Caller = msgspec.field(default_factory=_Caller)
    status: _Status = msgspec.field(default_factory=_Status)


class _Operation(msgspec.Struct):
    first: bool = False
    last: bool = False


class _Text(msgspec.Struct):
    message: str = ""


class _Event(msgspec.Struct, rename="camel"):
    """The event inside every format, and the keys that identify the other formats."""

    stage: str = ""
    request_uri: str = msgspec.field(default="", name="requestURI")
    verb: str = ""
    user: _Named = msgspec.field(default_factory=_Named)
    source_ips: list[str] = msgspec.field(default_factory=list, name="sourceIPs")
    user_agent: str = ""
    object_ref: _Reference | None = None
    response_status: _Status = msgspec.field(default_factory=_Status)
    request_received_timestamp: str = ""
    stage_timestamp: str = ""


class _Properties(msgspec.Struct):
    log: "_Event | str" = ""


class _Record(_Event, rename="camel"):
    kind: str = ""
    items: list[_Event] | None = None
    message: str = ""
    insights: str = msgspec.field(default="", name="@message")
    log_events: list[_Text] | None = None
    events: list[_Text] | None = None
    records: list["_Record"] | None = None
    proto_payload: _Google | None = None
    log_name: str = ""
    timestamp: str | int = ""
    operation: _Operation = msgspec.field(default_factory=_Operation)
    category: str = msgspec.field(default="")
    properties: _Properties | str | None = None
    table_category: str = msgspec.field(default="", name="Category")
    log_s: str = ""


_RECORD = msgspec.json.Decoder(_Record)
_RECORDS = msgspec.json.Decoder(list[_Record])
_EVENT = msgspec.json.Decoder(_Event)
_T = TypeVar("_T")
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)(?:/watch)?(?:/namespaces/(?P<namespace>[^/]+)"
    r"(?=/(?!status$|finalize$)))?/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>.+))?)?"
)
_GOOGLE_PATH = re.compile(
    r"(?P<group>[^/]+)/[^/]+(?:/namespaces/(?P<namespace>[^/]+)(?=/(?!status$|finalize$)))?"
    r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>.+))?)?"
)
_Place = tuple[str, str, str]
"""Resource, namespace, name; the name of a path that is not a resource is the path."""


class Reader:
    """Turns records into requests, and counts those that it does not recognise."""

    def __init__(self) -> None:
        self.formats: Counter[str] = Counter()
        """Format -> records in it."""
        self.unknown = 0
        self.example = b""
        """The beginning of the first unknown record."""
        self.without_reads: Counter[str] = Counter()
        """Kind of log that drops reads by its name -> its records."""

    def requests(self, records: Iterable[bytes]) -> Iterator[Request]:
        """Yield the requests of the records; stages that add nothing yield none."""
        for line in records:
            # exporters and container runtimes may put a time before it
            record = line if line[:1] == b"{" else line[max(line.find(b"{"), 0) :]
            try:
                entries = [_decoded(record, _RECORD)]
            except UNREADABLE:
                entries = _in_brackets(line)
                if not entries and record.strip():
                    self._not_known(record)
            for entry in entries:
                if entry.stage:
                    self.formats[KUBERNETES] += 1
                    if (request := _of_event(entry)) is not None:
                        yield request
                else:
                    yield from self._requests(entry, record)

    def _requests(self, entry: _Record, record: bytes) -> Iterator[Request]:
        if entry.proto_payload is not None:
            self.formats[GOOGLE] += 1
            if entry.log_name.endswith(ACTIVITY):
                self.without_reads["activity"] += 1
            yield _of_google(entry, entry.proto_payload)
        elif entry.items is not None and entry.kind == EVENT_LIST:
            self.formats[EVENT_LIST] += 1
            yield from filter(None, map(_of_event, entry.items))
        elif entry.records is not None:
            for nested in entry.records:
                yield from self._requests(nested, record)
        else:
            yield from self._wrapped(entry, record)

    def _wrapped(self, entry: _Record, record: bytes) -> Iterator[Request]:
        """Yield the requests of events in an exporter's own format."""
        texts = [text.message for text in entry.log_events or entry.events or ()]
        texts += [text for text in (entry.message, entry.insights) if text]
        if texts:
            events, format_ = [_event(text) for text in texts], CLOUDWATCH
        else:
            inner = entry.properties
            log = inner.log if isinstance(inner, _Properties) else inner or entry.log_s
            if ADMIN_CATEGORY in (entry.category, entry.table_category):
                self.without_reads[ADMIN_CATEGORY] += 1
            events, format_ = [_event(log) if isinstance(log, str) else log], AZURE
        for event in events:
            if event is None or not event.stage:
                self._not_known(record)
            else:
                self.formats[format_] += 1
                if (request := _of_event(event)) is not None:
                    yield request

    def _not_known(self, record: bytes) -> None:
        self.unknown += 1
        self.example = self.example or record[:120]


def _event(text: str) -> _Event | None:
    try:
        return _decoded(text, _EVENT)
    except UNREADABLE:
        return None


def _decoded(text: bytes | str, decoder: msgspec.json.Decoder[_T]) -> _T:
    """Decode ``text`` and treat null as a missing key; raises one of ``UNREADABLE``."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError:
        return msgspec.convert(_without_nulls(msgspec.json.decode(text)), decoder.type)


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def _in_brackets(line: bytes) -> list[_Record]:
    """Return the records of a line that begins or ends an array; none for another line."""
    text = line.strip()
    if not text.startswith(b"[") and not text.endswith(b"]"):
        return []
    inner = text.removeprefix(b"[").removesuffix(b"]")
    try:
        return _decoded(b"[%b]" % inner, _RECORDS)
    except UNREADABLE:
        return []


def _of_event(event: _Event) -> Request | None:
    started = event.stage == STARTED
    if event.stage not in ANSWERED and not (started and event.verb == WATCH):
        return None
    path, _, query = event.request_uri.partition("?")
    reference = event.object_ref
    if reference is not None and reference.resource:
        target = (_full(reference), reference.namespace, reference.name)
    else:
        target = _of_path(path)
    return Request(
        event.request_received_timestamp or event.stage_timestamp,
        event.stage_timestamp or event.request_received_timestamp,
        event.user.username,
        event.user_agent,
        event.source_ips[0] if event.source_ips else "",
        event.verb,
        *target,
        query,
        started,
        event.response_status.code,
    )


def _full(reference: _Reference) -> str:
    resource = reference.resource
    if reference.api_group:
        resource = f"{resource}.{reference.api_group}"
    return f"{resource}/{reference.subresource}" if reference.subresource else resource


@lru_cache(maxsize=1 << 14)
def _of_path(path: str) -> _Place:
    if "://" in path:
        path = urlsplit(path).path
    return _of_match(_PATH.fullmatch(path.rstrip("/")), "", path)


@lru_cache(maxsize=1 << 14)
def _of_google_path(path: str) -> _Place:
    return _of_match(_GOOGLE_PATH.fullmatch(path), "core", path)


def _of_match(match: re.Match[str] | None, core: str, path: str) -> _Place:
    if match is None:
        return "", "", path
    group, namespace, resource, name, sub = (
        match[part] or "" for part in ("group", "namespace", "resource", "name", "sub")
    )
    full = f"{resource}.{group}" if group and group != core else resource
    return f"{full}/{sub}" if sub else full, namespace, name


def _of_google(entry: _Record, payload: _Google) -> Request:
    """Return the request of Google's entry, which has neither query nor time of arrival."""
    verb = payload.method_name.rpartition(".")[2]
    started = verb == WATCH and entry.operation.first and not entry.operation.last
    timestamp = str(entry.timestamp)
    return Request(
        timestamp,
        timestamp,
        payload.authentication_info.principal_email,
        payload.request_metadata.caller_supplied_user_agent,
        payload.request_metadata.caller_ip,
        verb,
        *_of_google_path(payload.resource_name),
        "",
        started,
        GRPC.get(payload.status.code, 500),
    )
