"""A client's request as values: path segments and query parameters, checked once for all servers.

The rules and the wording of the messages are the API server's (observed on 1.37), so
that all servers refuse alike, whether they ask it or not, and before they send any
request.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote

from kube_informer import (
    FieldSelector,
    LabelSelector,
    SelectorError,
    parse_field_selector,
    parse_label_selector,
)
from servers.source import EXACT, NOT_OLDER_THAN, PodQuery, SourceError, quoted

_INTEGER = re.compile(r"[+-]?[0-9]+")
_UNSIGNED = re.compile(r"[0-9]+")
INT64_MAX = 2**63 - 1
UINT64_MAX = 2**64 - 1

CACHED_SELECTOR = 1024
"""Longer selectors are parsed each time: clients must not fill the memory with them."""

_cached_label_selector = lru_cache(maxsize=256)(parse_label_selector)
_cached_field_selector = lru_cache(maxsize=256)(parse_field_selector)


def path_segments(raw_path: str) -> list[str]:
    """Split the path as sent and decode each segment once.

    Raise :class:`SourceError` 404 for a segment that could lead elsewhere: empty,
    ``.``, ``..``, or with a ``/`` or ``%`` left in it after decoding.
    """
    segments = [unquote(raw) for raw in raw_path.removeprefix("/").split("/")]
    for segment in segments:
        if segment in ("", ".", "..") or "/" in segment or "%" in segment:
            raise SourceError(404, f"{quoted(segment)} cannot be a part of a path here")
    return segments


def pod_query(namespace: str | None, arguments: Mapping[str, str]) -> PodQuery:
    """Read a list's parameters: ignore unknown ones, take the first of repeated ones.

    Raise :class:`SourceError` 400 or 422.
    """
    limit = _limit(arguments.get("limit"))
    version = arguments.get("resourceVersion", "")
    match = arguments.get("resourceVersionMatch", "")
    token = arguments.get("continue", "")
    labels, fields = arguments.get("labelSelector", ""), arguments.get("fieldSelector", "")
    _parse(labels, fields)  # the API server checks them before the versions
    _check_match(match, version, token)
    version = _resource_version(version, "invalid resource version: ")
    if token and version not in ("", "0"):
        raise SourceError(400, "specifying resource version is not allowed when using continue")
    return PodQuery(
        namespace=namespace,
        label_selector=labels,
        field_selector=fields,
        limit=limit,
        continue_token=token,
        resource_version=version,
        resource_version_match=match,
    )


def selectors(query: PodQuery) -> tuple[LabelSelector, FieldSelector]:
    """Return the parsed selectors of ``query``; raise :class:`SourceError` 400."""
    return _parse(query.label_selector, query.field_selector)


def _parse(labels: str, fields: str) -> tuple[LabelSelector, FieldSelector]:
    cached = len(labels) <= CACHED_SELECTOR and len(fields) <= CACHED_SELECTOR
    try:
        if cached:
            return _cached_label_selector(labels), _cached_field_selector(fields)
        return parse_label_selector(labels), parse_field_selector(fields)
    except SelectorError as error:
        raise SourceError(400, str(error)) from error


def get_resource_version(arguments: Mapping[str, str]) -> str:
    """Read the only parameter that a GET of one pod honours.

    Raise :class:`SourceError` 400 where the API server answers 500.
    """
    return _resource_version(arguments.get("resourceVersion", ""), "")


def event_version(arguments: Mapping[str, str]) -> int:
    """Read the version from which ``/events`` lists changes; raise :class:`SourceError` 400."""
    return int(_resource_version(arguments.get("since", ""), "since: ") or 0)


def _limit(text: str | None) -> int:
    if text is None:
        return 0
    if not _INTEGER.fullmatch(text):
        raise SourceError(400, f"strconv.ParseInt: parsing {quoted(text)}: invalid syntax")
    # Count the digits before the conversion: Python refuses to convert thousands of digits.
    digits = text.lstrip("+-").lstrip("0")
    value = int(digits or "0") if len(digits) <= len(str(INT64_MAX)) else INT64_MAX + 2
    if value > INT64_MAX + text.startswith("-"):
        raise SourceError(400, f"strconv.ParseInt: parsing {quoted(text)}: value out of range")
    return 0 if text.startswith("-") else value


def _resource_version(text: str, prefix: str) -> str:
    if not text:
        return ""
    fault = "invalid syntax"
    if _UNSIGNED.fullmatch(text):
        digits = text.lstrip("0") or "0"
        if len(digits) <= len(str(UINT64_MAX)) and int(digits) <= UINT64_MAX:
            return digits
        fault = "value out of range"
    shown = quoted(text)
    raise SourceError(
        400,
        f"{prefix}resourceVersion: Invalid value: {shown}: strconv.ParseUint: parsing {shown}: "
        f"{fault}",
    )


def _check_match(match: str, version: str, token: str) -> None:
    if not match:
        return
    faults = []
    if not version:
        faults.append(
            "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        )
    if token:
        faults.append("Forbidden: resourceVersionMatch is forbidden when continue is provided")
    if match not in (EXACT, NOT_OLDER_THAN):
        faults.append(
            f'Unsupported value: {quoted(match)}: supported values: "{EXACT}", '
            f'"{NOT_OLDER_THAN}", ""'
        )
    if match == EXACT and version == "0":
        faults.append(
            'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        )
    if faults:
        listed = ", ".join(f"resourceVersionMatch: {fault}" for fault in faults)
        listed = f"[{listed}]" if len(faults) > 1 else listed
        raise SourceError(422, f'ListOptions.meta.k8s.io "" is invalid: {listed}')
