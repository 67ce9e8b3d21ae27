"""Redaction of the secrets that this process holds.

Code that reads a secret registers it here; text of lower layers (an HTTP library, a
plugin's stderr, a server's answer) passes :func:`redact` before it is shown. Each form
in which a library may write a secret is removed.
"""

import base64
import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any
from urllib.parse import quote

REDACTED = "<redacted>"
SHORTEST = 4
"""Characters of the shortest secret to remove: shorter ones are parts of common words."""

_SHAPES = (
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL), REDACTED),
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic)\s+(?!<)[\w.~+/=-]{8,}"), rf"\1 {REDACTED}"),
    (re.compile(r"(://)[^/\s'\"<>@]+@"), rf"\1{REDACTED}@"),
)
_PEM_BOUNDARY = re.compile(r"-----(?:BEGIN|END) [A-Z ]+-----")
"""No secret by itself; without it, ``_SHAPES`` could not find a block of PEM."""

KEPT = 8
"""Registrations of one origin that count: late text may repeat a secret that was renewed."""

_lock = threading.Lock()
_registered: dict[str, dict[tuple[str | bytes, ...], set[str]]] = {}  # forms by origin and secrets
_forms: tuple[str, ...] = ()  # of all registered secrets, the longest first


def register_secret(*secrets: str | bytes | None, origin: str = "") -> None:
    """Make :func:`redact` remove these in this process from now on; skip ``None``.

    ``origin`` names the source of secrets that are renewed, such as a file: those of its last
    ``KEPT`` registrations are removed. Without an origin they are removed for ever.
    """
    global _registered, _forms  # noqa: PLW0603 - prepared at each registration, not for each text
    present = tuple(secret for secret in secrets if secret)
    with _lock:
        known = _registered.get(origin, {})
        if present in known:
            return
        known = known | {present: {form for secret in present for form in _forms_of(secret)}}
        if origin and len(known) > KEPT:
            del known[next(iter(known))]
        _registered = _registered | {origin: known}
        every = {form for sets in _registered.values() for forms in sets.values() for form in forms}
        _forms = tuple(sorted(every, key=len, reverse=True))


def redact(text: str) -> str:
    """Return ``text`` without registered secrets, and without text that looks like a secret.

    JSON web tokens, Authorization headers, PEM blocks and user infos of URLs are removed
    by their shape, for they may belong to others and be unregistered.
    """
    for form in _forms:
        text = text.replace(form, REDACTED)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def without(text: str, values: Iterable[str]) -> str:
    """Return ``text`` with ``<redacted>`` for ``values``, which are secret only in this text."""
    forms = {form for value in values for form in _forms_of(value)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, REDACTED)
    return text


def redact_output() -> None:
    """Redact all tracebacks and log records of this process.

    The main function of a program calls it first, before anything can fail.
    """
    sys.excepthook = _print_redacted
    threading.excepthook = _print_redacted_of_thread
    make = logging.getLogRecordFactory()

    def make_redacted(*args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401 - logging's own signature
        record = make(*args, **kwargs)
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info:
            # A formatter uses this text in place of its own.
            record.exc_text = redact("".join(traceback.format_exception(*record.exc_info)).rstrip())
        return record

    logging.setLogRecordFactory(make_redacted)


def _print_redacted(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    print(redact("".join(traceback.format_exception(kind, error, trace))), file=sys.stderr, end="")


def _print_redacted_of_thread(ended: threading.ExceptHookArgs) -> None:
    error = ended.exc_value
    if error is not None and not isinstance(error, SystemExit):
        _print_redacted(ended.exc_type, error, ended.exc_traceback)


def _forms_of(secret: str | bytes) -> set[str]:
    """Return a secret and its lines: plain, escaped, percent-encoded and in base64."""
    raw = secret if isinstance(secret, bytes) else secret.encode("utf-8", "surrogatepass")
    text = raw.decode("utf-8", "backslashreplace").strip()
    forms = {base64.b64encode(raw).decode(), base64.b64encode(raw.strip()).decode()}
    lines = [line for line in text.splitlines() if not _PEM_BOUNDARY.fullmatch(line)]
    for piece in (text, *lines):
        in_bytes = repr(piece.encode("utf-8", "replace"))[2:-1]
        forms |= {
            piece,
            repr(piece)[1:-1],
            in_bytes,
            json.dumps(piece)[1:-1],
            quote(piece, safe=""),
        }
    return {form for form in forms if len(form) >= SHORTEST}
