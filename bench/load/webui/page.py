"""Page "API server" on Locust's web server: it comes first, and Locust's own page links back."""

from collections import Counter, deque
from pathlib import Path
from time import monotonic
from typing import Any

import gevent
from flask import Blueprint, Response, jsonify, redirect, request, send_file
from gevent.lock import Semaphore
from locust.env import Environment
from locust.runners import MasterRunner
from locust.web import WebUI
from werkzeug.wrappers import Response as Redirection

from bench.load.webui.classes import SERVERS
from bench.load.webui.harness import Harness, HarnessError
from bench.load.webui.session import Session

EVERY_S = 1.0
LOOKED_S = 6.0
"""Polling ends this long after a page asked last; an open page asks every two seconds."""
KEPT = 900
"""Points kept, of a second each: the last quarter of an hour."""
LINKS = (
    '<link rel="stylesheet" href="./api-server/page.css"><nav class="pages">'
    '<a href="./api-server/">API server</a>'
    '<a href="./?tab=stats" aria-current="page">Locust</a></nav>'
)


class Feed:
    """Points of the last minutes, and the state now, from one poller for all open pages.

    It asks the harness while a page is open.
    """

    def __init__(self, environment: Environment, harness: Harness) -> None:
        self._environment = environment
        self._harness = harness
        self._points: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._now: dict[str, Any] = {}
        self._error: str | None = None
        self._looked = 0.0
        self._poller: gevent.Greenlet | None = None
        self._first = Semaphore()
        self._seq = 0

    def look(self, since: int) -> dict[str, Any]:
        """Return the points after number ``since``, and the state; keeps the poller going."""
        self._looked = monotonic()
        with self._first:
            if self._poller is None or self._poller.dead:
                self._step()
                self._poller = gevent.spawn(self._poll)
        points = [point for point in self._points if point["seq"] > since]
        return {
            "seq": self._seq,
            "error": self._error,
            "now": self._now,
            "points": points,
            "test": self.load(),
        }

    def load(self) -> dict[str, Any]:
        """Return Locust's state, users, and each server's good and bad answers so far."""
        runner = self._environment.runner
        assert runner is not None, "the page is made for a runner"
        answers: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        for (name, _), entry in list(runner.stats.entries.items()):
            server = name.partition(" ")[0]
            if server in SERVERS:
                answers[server] += entry.num_requests - entry.num_failures
                failed[server] += entry.num_failures
        return {
            "state": runner.state,
            "users": runner.user_count,
            "workers": runner.worker_count if isinstance(runner, MasterRunner) else None,
            "answers": dict(answers),
            "failed": dict(failed),
        }

    def _poll(self) -> None:
        while monotonic() - self._looked < LOOKED_S:
            gevent.sleep(EVERY_S)
            self._step()

    def _step(self) -> None:
        load = self.load()
        counts = {name: load[name] for name in ("users", "answers", "failed")}
        try:
            answer = self._harness.ask("step", **counts)
        except HarnessError as error:
            self._error = str(error)
            return
        self._error, self._now = None, answer["now"]
        if point := answer["point"]:
            self._seq += 1
            self._points.append({"seq": self._seq, "users": load["users"], **point})


def add_page(environment: Environment, web_ui: WebUI, harness: Harness, session: Session) -> None:
    """Add the page and its routes to Locust's web server, which must have its guard already."""
    assert web_ui.app is not None, "made before the init event"
    feed = Feed(environment, harness)
    web_ui.app.before_request(_redirect_to_page)
    web_ui.app.after_request(_with_links)
    web_ui.app.register_blueprint(_routes(feed, harness, session))


def _redirect_to_page() -> Redirection | None:
    """Redirect the bare address to this page; the address of Locust's page has a query."""
    is_bare = request.method == "GET" and request.path == "/" and not request.query_string
    return redirect("api-server/") if is_bare else None


def _with_links(response: Response) -> Response:
    if request.path == "/" and response.mimetype == "text/html" and response.status_code == 200:
        response.set_data(response.get_data(as_text=True).replace("<body>", f"<body>{LINKS}"))
    return response


def _routes(feed: Feed, harness: Harness, session: Session) -> Blueprint:
    routes = Blueprint(
        "api-server",
        __name__,
        static_folder="static",
        static_url_path="/",
        url_prefix="/api-server",
    )

    @routes.errorhandler(HarnessError)
    def refused(error: HarnessError) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), error.status

    @routes.get("/")
    def page() -> Response:
        return routes.send_static_file("page.html")

    @routes.get("/live.json")
    def live() -> Response:
        return jsonify(feed.look(request.args.get("since", 0, int)))

    @routes.post("/churn")
    def churn() -> Response:
        return jsonify(harness.ask("churn", per_s=_form().get("per_s")))

    @routes.post("/freeze")
    def freeze() -> Response:
        return jsonify(harness.ask("freeze"))

    @routes.post("/session")
    def results() -> Response:
        session.hand_over()
        archive = harness.ask("session")
        file = Path(archive["file"])
        try:
            return send_file(
                file.open("rb"),
                mimetype="application/gzip",
                as_attachment=True,
                download_name=archive["name"],
            )
        finally:
            file.unlink()  # the open file can still be read

    return routes


def _form() -> dict[str, Any]:
    content = request.get_json(silent=True)
    return content if isinstance(content, dict) else dict(request.form)
