r"""Field selectors as the API server reads them, and the selectable fields of resources.

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
"""Takes an object's JSON, returns its selectable fields without those of its metadata."""


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
    """Terms that must all hold; no terms select everything. ``read`` returns an object's values."""

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
        """Return whether an object with these fields is selected; an absent field is ``""``."""
        return self.matches_values(lambda name: fields.get(name, ""))

    def matches_values(self, value_of: Callable[[str], str]) -> bool:
        """Return whether an object is selected, by calls of ``value_of``, at most one a field."""
        for name, (equal, unequal) in self._by_field.items():
            value = value_of(name)
            if value in unequal or (equal and equal != {value}):
                return False
        return True

    def required(self, field: str) -> str | None:
        """Return the value that a term requires of ``field``, if any."""
        for term in self.terms:
            if term.field == field and term.equal:
                return term.value
        return None


NO_FIELDS = FieldSelector()

_TERM = re.compile(r"(?:\\.?|[^\\,])+", re.DOTALL)
"""The text between commas; a comma after a backslash does not separate."""
_OPERATOR = re.compile("(!=|==?)")
_SPECIAL = re.compile(r"\\(.?)|([,=])", re.DOTALL)
"""In a value: a backslash and the character it escapes, or a character that needs one."""


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
    """The selectable fields of a resource: each label, and the name of its value.

    An error appends ``hint`` to the API server's own message.
    """

    names: Mapping[str, str]
    read: ReadFields = _no_fields
    hint: str = ""


METADATA = ("metadata.name", "metadata.namespace")

METADATA_FIELDS = SelectableFields({name: name for name in METADATA})
"""The selectable fields of any object."""


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
    """Return a pod's selectable fields without those of its metadata.

    Return none for an object whose spec or status is not a pod's: no API server
    sent it, and one such object must not break a search through all.
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
"""The selectable fields of a pod; the API server treats ``status.podIPs`` as always empty."""

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
"""By group and plural: label, path of its value, and default for an absent value.

From the field label conversions of Kubernetes 1.37 (``pkg/apis/*/v1/conversion.go``).
"""


@cache
def selectable_fields(resource: Resource) -> SelectableFields:
    """Return the known selectable fields of ``resource``.

    Pods and other built-in kinds have the API server's own. Of any other resource
    only its metadata and ``Resource.selectable_fields`` are known.
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
    """Parse ``text``; raise :class:`SelectorError` with the API server's message.

    ``fields`` are the resource's (:func:`selectable_fields`), by default those of pods.
    """
    terms: list[FieldTerm] = []
    for term in sorted(_TERM.findall(text)):
        parts = _OPERATOR.split(term, maxsplit=1)
        if len(parts) == 1:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
        label, operator, value = parts
        if not label and not value:
            continue  # to the API server a lone "=" is no term
        terms.append(FieldTerm(label, _unescape(value), operator != "!="))
    for index, selected in enumerate(terms):
        name = fields.names.get(selected.field)
        if name is None:
            raise SelectorError(f"field label not supported: {selected.field}{fields.hint}")
        terms[index] = FieldTerm(name, selected.value, selected.equal)
    return FieldSelector(tuple(terms), fields.read)
