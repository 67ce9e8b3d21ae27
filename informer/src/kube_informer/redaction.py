"""Redaction of the secrets that this process holds.

Whoever reads a secret registers it here; text of lower layers (an HTTP library, a
plugin's stderr, a server's answer) passes :func:`redact` before anyone sees it. A
secret is removed in each form in which a library may have written it.
"""

import base64
import json
import re
import threading
from urllib.parse import quote

REDACTED = "<redacted>"
SHORTEST = 4
"""Characters of the shortest secret that is removed: shorter ones are parts of common words."""

_lock = threading.Lock()
_forms: set[str] = set()
_pattern: re.Pattern[str] | None = None


def register_secret(*secrets: str | bytes | None) -> None:
    """Have :func:`redact` remove these from now on, in this process; ``None`` is skipped."""
    global _pattern  # noqa: PLW0603 - compiled once a registration, not once a text
    with _lock:
        before = len(_forms)
        for secret in secrets:
            if secret:
                _forms.update(_forms_of(secret))
        if len(_forms) > before:
            longest_first = sorted(_forms, key=len, reverse=True)
            _pattern = re.compile("|".join(map(re.escape, longest_first)))


def redact(text: str) -> str:
    """Return ``text`` with ``<redacted>`` in place of every registered secret."""
    return _pattern.sub(REDACTED, text) if _pattern else text


def _forms_of(secret: str | bytes) -> set[str]:
    """Return a secret and its lines as they are, escaped, percent-encoded and in base64."""
    raw = secret if isinstance(secret, bytes) else secret.encode("utf-8", "surrogatepass")
    text = raw.decode("utf-8", "backslashreplace").strip()
    forms = {base64.b64encode(raw).decode(), base64.b64encode(raw.strip()).decode()}
    for piece in (text, *text.splitlines()):
        in_bytes = repr(piece.encode("utf-8", "replace"))[2:-1]
        forms |= {
            piece,
            repr(piece)[1:-1],
            in_bytes,
            json.dumps(piece)[1:-1],
            quote(piece, safe=""),
        }
    return {form for form in forms if len(form) >= SHORTEST}
