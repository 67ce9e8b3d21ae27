r"""Field selectors as the API server reads them, and the fields pods can be selected by.

The grammar is that of Kubernetes' ``fields.ParseSelector``: terms joined by
commas, ``field=value``, ``field==value`` or ``field!=value``; in a value the
characters ``\``, ``,`` and ``=`` are written with a backslash before them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from kube_informer.errors import SelectorError


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One comparison; ``equal`` is false for ``!=``."""

    field: str
    value: str
    equal: bool


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Terms that must all hold; none at all selects everything."""

    terms: tuple[FieldTerm, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether every object is selected."""
        return not self.terms

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether an object with these selectable fields is selected; an absent one is ``""``."""
        return all((fields.get(t.field, "") == t.value) is t.equal for t in self.terms)

    def required(self, field: str) -> str | None:
        """The one value ``field`` must have, if a term says so."""
        for term in self.terms:
            if term.field == field and term.equal:
                return term.value
        return None


NO_FIELDS = FieldSelector()


def _split_terms(text: str) -> list[str]:
    """Split at the commas that no backslash precedes."""
    terms: list[str] = []
    start, escaped = 0, False
    for at, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == ",":
            terms.append(text[start:at])
            start = at + 1
    terms.append(text[start:])
    return terms


def _split_term(text: str, term: str) -> tuple[str, str, str]:
    for at in range(len(term)):
        for operator in ("!=", "==", "="):
            if term.startswith(operator, at):
                return term[:at], operator, term[at + len(operator) :]
    raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")


def _unescape(value: str) -> str:
    plain: list[str] = []
    escaped = False
    for character in value:
        if escaped:
            if character not in "\\,=":
                raise SelectorError(
                    f"invalid field selector: invalid escape sequence: \\{character}"
                )
            plain.append(character)
            escaped = False
        elif character == "\\":
            escaped = True
        elif character in ",=":
            raise SelectorError(
                f"invalid field selector: unescaped character in value: {ord(character)}"
            )
        else:
            plain.append(character)
    if escaped:
        raise SelectorError("invalid field selector: invalid escape sequence: \\")
    return "".join(plain)


POD_FIELDS: Mapping[str, str] = {
    "metadata.name": "metadata.name",
    "metadata.namespace": "metadata.namespace",
    "spec.nodeName": "spec.nodeName",
    "spec.host": "spec.nodeName",
    "spec.restartPolicy": "spec.restartPolicy",
    "spec.schedulerName": "spec.schedulerName",
    "spec.serviceAccountName": "spec.serviceAccountName",
    "spec.hostNetwork": "spec.hostNetwork",
    "status.phase": "status.phase",
    "status.podIP": "status.podIP",
    "status.podIPs": "status.podIPs",
    "status.nominatedNodeName": "status.nominatedNodeName",
}
"""What a pod may be selected by, and under which name the value is found."""

METADATA_FIELDS: Mapping[str, str] = {
    "metadata.name": "metadata.name",
    "metadata.namespace": "metadata.namespace",
}
"""What any object may be selected by."""


def parse_field_selector(text: str, fields: Mapping[str, str] = POD_FIELDS) -> FieldSelector:
    """Parse ``text``; raise :class:`SelectorError` worded as the API server words it.

    ``fields`` are the labels accepted, each with the name its value goes by.
    """
    terms: list[FieldTerm] = []
    for term in sorted(_split_terms(text)):
        if not term:
            continue
        field, operator, value = _split_term(text, term)
        if not field and not value:
            continue  # the API server takes a lone "=" to ask for nothing
        terms.append(FieldTerm(field, _unescape(value), operator != "!="))
    for at, term_ in enumerate(terms):
        known = fields.get(term_.field)
        if known is None:
            raise SelectorError(f"field label not supported: {term_.field}")
        terms[at] = FieldTerm(known, term_.value, term_.equal)
    return FieldSelector(tuple(terms))


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
