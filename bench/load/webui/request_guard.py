"""Guard of the web page's requests: Host and Origin of all, a token for those that act.

Locust lets pages of any origin read its answers (CORS for all), and a form of another open page
could start a swarm or freeze an API server. So the guard covers Locust's own routes as well.
The token is only in a cookie that scripts cannot read and other sites cannot send.
"""

import hmac
import ipaddress
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

SAFE = ("GET", "HEAD", "OPTIONS")


def guard_requests(app: Flask, host: str, port: int) -> None:
    """Guard the requests to ``app``, which listens on ``host`` and ``port``."""
    token, cookie = secrets.token_urlsafe(24), f"informer-bench-{port}"

    def admit() -> None:
        if not _is_address(request.host, host):
            abort(403, f"this page is not served under the name {request.host!r}")
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"{request.scheme}://{request.host}":
            abort(403, "the request comes from a page of another origin")
        if request.method in SAFE:
            return
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            abort(403, "the request comes from a page of another site")
        if not hmac.compare_digest(request.cookies.get(cookie, "").encode(), token.encode()):
            abort(403, "the page is of another run, or was never loaded: load / again")

    def set_headers(response: Response) -> Response:
        for name in [name for name in response.headers.keys() if name.startswith("Access-Control")]:  # noqa: SIM118 - headers iterate as pairs
            del response.headers[name]
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        if request.method == "GET" and response.mimetype == "text/html":
            response.set_cookie(cookie, token, httponly=True, samesite="Strict")
        return response

    app.before_request(admit)
    # functions after a request run last to first, and ours must come after Locust's CORS
    app.after_request_funcs.setdefault(None, []).insert(0, set_headers)


def _is_address(requested: str, listening: str) -> bool:
    """Whether ``requested`` is an address or localhost: anyone may own a name (DNS rebinding)."""
    try:
        name = urlsplit(f"//{requested}").hostname or ""
        if name not in ("localhost", listening):
            ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
