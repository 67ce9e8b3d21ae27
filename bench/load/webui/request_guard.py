"""Who may ask the web page for what: Host and Origin of every request, a token for what acts.

Locust lets pages of any origin read its answers (CORS for all). A page that a
person has open elsewhere could start a swarm, or freeze an API server, with no
more than a form; so everything is checked here, Locust's own routes included.
The token travels in a cookie that scripts cannot read and other sites cannot
send: it is neither in the page nor in its JSON.
"""

import hmac
import ipaddress
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

SAFE = ("GET", "HEAD", "OPTIONS")


class RequestGuard:
    """Guards one Flask application that listens on ``host`` and ``port``."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._token = secrets.token_urlsafe(24)
        self._cookie = f"informer-bench-{port}"
        app.before_request(self._admit)
        # functions after a request run last to first, and ours must come after Locust's CORS
        app.after_request_funcs.setdefault(None, []).insert(0, self._dress)

    def _require_token(self) -> None:
        given = request.cookies.get(self._cookie, "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            abort(403, "this page is of another run, or no page was loaded first: load / again")

    def _admit(self) -> None:
        if not self._knows(request.host):
            abort(403, f"not served under the name {request.host!r}")
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"{request.scheme}://{request.host}":
            abort(403, "asked from a page of another origin")
        if request.method in SAFE:
            return
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            abort(403, "asked from a page of another site")
        self._require_token()

    def _knows(self, host: str) -> bool:
        """Whether ``host`` is an address or localhost: a name may be anybody's (DNS rebinding)."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
            if name == "localhost" or name == self._host:
                return True
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _dress(self, response: Response) -> Response:
        for name in [name for name in response.headers.keys() if name.startswith("Access-Control")]:  # noqa: SIM118 - headers iterate as pairs
            del response.headers[name]
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        if request.method == "GET" and response.mimetype == "text/html":
            response.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict")
        return response
