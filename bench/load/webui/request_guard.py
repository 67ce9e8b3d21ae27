"""Who may ask the web page for what: Host and Origin of every request, a token for what acts.

Locust lets pages of any origin read its answers (CORS for all), and a form of a page that is open
elsewhere could start a swarm or freeze an API server: so its own routes are checked here as well.
The token is in a cookie that scripts cannot read and other sites cannot send, and nowhere else.
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
            abort(403, f"not served under the name {request.host!r}")
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"{request.scheme}://{request.host}":
            abort(403, "asked from a page of another origin")
        if request.method in SAFE:
            return
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            abort(403, "asked from a page of another site")
        if not hmac.compare_digest(request.cookies.get(cookie, "").encode(), token.encode()):
            abort(403, "this page is of another run, or no page was loaded first: load / again")

    def dress(response: Response) -> Response:
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
    app.after_request_funcs.setdefault(None, []).insert(0, dress)


def _is_address(asked: str, own: str) -> bool:
    """Whether ``asked`` is an address or localhost: a name may be anybody's (DNS rebinding)."""
    try:
        name = urlsplit(f"//{asked}").hostname or ""
        if name not in ("localhost", own):
            ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
