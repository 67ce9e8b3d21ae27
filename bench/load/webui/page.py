"""The page "API server" on Locust's web server: it comes first, and Locust's own links back."""

from importlib import resources
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request, send_file
from locust.env import Environment
from locust.web import WebUI
from werkzeug.wrappers import Response as Redirection

from bench.load.webui.feed import Feed
from bench.load.webui.harness import Harness, HarnessError
from bench.load.webui.session import Session

LINKS = (
    '<link rel="stylesheet" href="./api-server/page.css"><nav class="pages">'
    '<a href="./api-server/">API server</a>'
    '<a href="./?tab=stats" aria-current="page">Locust</a></nav>'
)
TYPES = {"page.js": "text/javascript", "page.css": "text/css"}


def add_page(environment: Environment, web_ui: WebUI, harness: Harness, session: Session) -> None:
    """Add the page and its routes to Locust's web server, which is guarded already."""
    assert web_ui.app is not None, "made before the init event"
    feed = Feed(environment, harness)
    web_ui.app.before_request(_come_first)
    web_ui.app.after_request(_with_links)
    web_ui.app.register_blueprint(_routes(feed, harness, session))


def _come_first() -> Redirection | None:
    """Show the page to whoever opens the address; Locust's own has a tab in its query."""
    is_bare = request.method == "GET" and request.path == "/" and not request.query_string
    return redirect("api-server/") if is_bare else None


def _with_links(response: Response) -> Response:
    if request.path == "/" and response.mimetype == "text/html" and response.status_code == 200:
        response.set_data(response.get_data(as_text=True).replace("<body>", f"<body>{LINKS}"))
    return response


def _routes(feed: Feed, harness: Harness, session: Session) -> Blueprint:
    routes = Blueprint("api-server", __name__, url_prefix="/api-server")

    @routes.errorhandler(HarnessError)
    def refused(error: HarnessError) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), error.status

    @routes.get("/")
    def page() -> Response:
        return Response(_static("page.html"), mimetype="text/html")

    @routes.get("/<any('page.js', 'page.css'):name>")
    def part(name: str) -> Response:
        return Response(_static(name), mimetype=TYPES[name])

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
        made = harness.ask("session")
        file = Path(made["file"])
        try:
            return send_file(
                file.open("rb"),
                mimetype="application/gzip",
                as_attachment=True,
                download_name=made["name"],
            )
        finally:
            file.unlink()  # it goes on being read

    return routes


def _form() -> dict[str, Any]:
    content = request.get_json(silent=True)
    return content if isinstance(content, dict) else dict(request.form)


def _static(name: str) -> bytes:
    return (resources.files("bench.load.webui") / "static" / name).read_bytes()
