r"""Field selectors as the API server reads them, and the fields that objects are selected by.

The grammar is that of Kubernetes' ``fields.ParseSelector``: terms joined by
commas, ``field=value``, ``field==value`` or ``field!=value``; in a value the
characters ``\``, ``,`` and ``=`` are written with a backslash before them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from kube_informer.errors import SelectorError
from kube_informer.resource import Resource

ReadFields = Callable[[bytes], Mapping[str, str]]
"""Takes an object's JSON, returns its selectable fields, those of its metadata apart."""


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One comparison; ``equal`` is false for ``!=``."""

    field: str
    value: str
    equal: bool


def _no_fields(_: bytes) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Terms that must all hold; none at all selects everything. ``read`` finds the values."""

    terms: tuple[FieldTerm, ...] = ()
    read: ReadFields = field(default=_no_fields, compare=False)
    _by_field: Mapping[str, tuple[frozenset[str], frozenset[str]]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        merged: dict[str, tuple[set[str], set[str]]] = {}
        for term in self.terms:
            equal, unequal = merged.setdefault(term.field, (set(), set()))
            (equal if term.equal else unequal).add(term.value)
        frozen = {name: (frozenset(a), frozenset(b)) for name, (a, b) in merged.items()}
        object.__setattr__(self, "_by_field", frozen)

    @property
    def is_empty(self) -> bool:
        """Whether every object is selected."""
        return not self.terms

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether an object with these selectable fields is selected; an absent one is ``""``."""
        return self.matches_values(lambda name: fields.get(name, ""))

    def matches_values(self, value_of: Callable[[str], str]) -> bool:
        """Likewise for an object whose fields are looked up one by one, each at most once."""
        for name, (equal, unequal) in self._by_field.items():
            value = value_of(name)
            if value in unequal or (equal and equal != {value}):
                return False
        return True

    def required(self, field: str) -> str | None:
        """The one value ``field`` must have, if a term says so."""
        for term in self.terms:
            if term.field == field and term.equal:
                return term.value
        return None


NO_FIELDS = FieldSelector()

_TERM = re.compile(r"(?:\\.?|[^\\,])+", re.DOTALL)
"""What stands between commas; one with a backslash before it is none."""
_OPERATOR = re.compile("(!=|==?)")
_SPECIAL = re.compile(r"\\(.?)|([,=])", re.DOTALL)
"""In a value: a backslash with what it escapes, or what must not be there without one."""


def _unescape(value: str) -> str:
    for special in _SPECIAL.finditer(value):
        if special[2]:
            raise SelectorError(
                f"invalid field selector: unescaped character in value: {ord(special[2])}"
            )
        if special[1] not in ("\\", ",", "="):
            raise SelectorError(f"invalid field selector: invalid escape sequence: \\{special[1]}")
    return _SPECIAL.sub(r"\1", value)


@dataclass(frozen=True, slots=True)
class SelectableFields:
    """What objects of a resource may be selected by: each label, and the name of its value.

    ``hint`` is what an error says after the API server's own words.
    """

    names: Mapping[str, str]
    read: ReadFields = _no_fields
    hint: str = ""


METADATA = ("metadata.name", "metadata.namespace")

METADATA_FIELDS = SelectableFields({name: name for name in METADATA})
"""What any object may be selected by."""


class _Spec(msgspec.Struct, gc=False):
    nodeName: str = ""  # noqa: N815 - Kubernetes' spelling, here and below
    restartPolicy: str = ""  # noqa: N815
    schedulerName: str = ""  # noqa: N815
    serviceAccountName: str = ""  # noqa: N815
    hostNetwork: bool = False  # noqa: N815


class _PodIP(msgspec.Struct, gc=False):
    ip: str = ""


class _Status(msgspec.Struct, gc=False):
    phase: str = ""
    podIP: str = ""  # noqa: N815
    podIPs: list[_PodIP] = []  # noqa: N815
    nominatedNodeName: str = ""  # noqa: N815


class _Pod(msgspec.Struct, gc=False):
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


_decode_pod: Callable[[bytes], _Pod] = msgspec.json.Decoder(_Pod).decode


def pod_fields(raw: bytes) -> dict[str, str]:
    """Return a pod's selectable fields, those of its metadata apart.

    Nothing for an object whose spec or status is not a pod's: it came from no
    API server, and one such must not spoil a search through all.
    """
    try:
        pod = _decode_pod(raw)
    except msgspec.DecodeError:
        return {}
    status = pod.status
    return {
        "spec.nodeName": pod.spec.nodeName,
        "spec.restartPolicy": pod.spec.restartPolicy,
        "spec.schedulerName": pod.spec.schedulerName,
        "spec.serviceAccountName": pod.spec.serviceAccountName,
        "spec.hostNetwork": "true" if pod.spec.hostNetwork else "false",
        "status.phase": status.phase,
        "status.podIP": status.podIPs[0].ip if status.podIPs else status.podIP,
        "status.nominatedNodeName": status.nominatedNodeName,
    }


POD_FIELDS = SelectableFields(
    {name: name for name in (*METADATA, *pod_fields(b"{}"), "status.podIPs")}
    | {"spec.host": "spec.nodeName"},
    pod_fields,
)
"""What a pod may be selected by; the API server takes ``status.podIPs`` for always empty."""

_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")

BUILT_IN: Mapping[tuple[str, str], Mapping[str, tuple[str, str]]] = {
    ("", "nodes"): {"spec.unschedulable": ("spec.unschedulable", "false")},
    ("", "namespaces"): {"status.phase": ("status.phase", "")},
    ("", "secrets"): {"type": ("type", "")},
    ("", "services"): {
        "spec.clusterIP": ("spec.clusterIP", ""),
        "spec.type": ("spec.type", ""),
    },
    ("", "replicationcontrollers"): {"status.replicas": ("status.replicas", "0")},
    ("", "events"): {
        name: (name, "")
        for name in ("reason", "type", *(f"involvedObject.{part}" for part in _INVOLVED))
    },
    ("batch", "jobs"): {"status.successful": ("status.succeeded", "0")},
    ("certificates.k8s.io", "certificatesigningrequests"): {
        "spec.signerName": ("spec.signerName", "")
    },
}
"""By group and plural: label, path of its value, and what stands for a value that is absent.

From the field label conversions of Kubernetes 1.37 (``pkg/apis/*/v1/conversion.go``).
"""


@cache
def selectable_fields(resource: Resource) -> SelectableFields:
    """Return what is known of the fields that objects of ``resource`` can be selected by.

    Pods and other built-in kinds have those that the API server has. Of any other
    resource nothing is known but its metadata and ``Resource.selectable_fields``.
    """
    kind = (resource.group, resource.plural)
    if kind == ("", "pods"):
        return POD_FIELDS
    paths = dict(BUILT_IN.get(kind, {}))
    paths |= {label: (label, "") for label in resource.selectable_fields}

    def read(raw: bytes) -> Mapping[str, str]:
        item = msgspec.json.decode(raw)
        return {label: _value_at(item, path, default) for label, (path, default) in paths.items()}

    names = {name: name for name in (*METADATA, *paths)}
    hint = (
        f"; the cache of {resource.plural} can be searched by {', '.join(names)}. The server may "
        "know more: give it the selector when the informer is made, or name a custom resource's "
        "selectable fields in Resource(..., selectable_fields=...)"
    )
    return SelectableFields(names, read, hint)


def _value_at(item: Any, path: str, default: str) -> str:  # noqa: ANN401 - decoded JSON
    for part in path.split("."):
        item = item.get(part) if isinstance(item, dict) else None
    if isinstance(item, bool):
        return "true" if item else "false"
    return default if item is None else str(item)


def parse_field_selector(text: str, fields: SelectableFields = POD_FIELDS) -> FieldSelector:
    """Parse ``text``; raise :class:`SelectorError` worded as the API server words it.

    ``fields`` are those of the resource (:func:`selectable_fields`); pods' if not given.
    """
    terms: list[FieldTerm] = []
    for term in sorted(_TERM.findall(text)):
        parts = _OPERATOR.split(term, maxsplit=1)
        if len(parts) == 1:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
        label, operator, value = parts
        if not label and not value:
            continue  # the API server takes a lone "=" to ask for nothing
        terms.append(FieldTerm(label, _unescape(value), operator != "!="))
    for at, term_ in enumerate(terms):
        known = fields.names.get(term_.field)
        if known is None:
            raise SelectorError(f"field label not supported: {term_.field}{fields.hint}")
        terms[at] = FieldTerm(known, term_.value, term_.equal)
    return FieldSelector(tuple(terms), fields.read)
