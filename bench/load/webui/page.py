"""The tab's routes on Locust's web server, and its place in Locust's page."""

from importlib import resources
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request, send_file
from locust.env import Environment
from locust.web import WebUI

from bench.load.webui.feed import Feed
from bench.load.webui.harness import Harness, HarnessError
from bench.load.webui.session import Session

TAB = {"key": "api-server", "title": "API server"}
SCRIPT = (
    '<link rel="stylesheet" href="./api-server/tab.css">'
    '<script src="./api-server/tab.js" defer></script>'
)
TYPES = {"tab.js": "text/javascript", "tab.css": "text/css"}


def add_tab(environment: Environment, web_ui: WebUI, harness: Harness, session: Session) -> None:
    """Add the tab and its routes to Locust's web page, which is guarded already."""
    assert web_ui.app is not None, "made before the init event"
    feed = Feed(environment, harness)
    web_ui.template_args["extended_tabs"] = [TAB]
    web_ui.app.after_request(_with_script)
    web_ui.app.register_blueprint(_routes(feed, harness, session))


def _with_script(response: Response) -> Response:
    if request.path == "/" and response.mimetype == "text/html" and response.status_code == 200:
        response.set_data(response.get_data(as_text=True).replace("</body>", f"{SCRIPT}</body>"))
    return response


def _routes(feed: Feed, harness: Harness, session: Session) -> Blueprint:
    routes = Blueprint("api-server", __name__, url_prefix="/api-server")

    @routes.errorhandler(HarnessError)
    def refused(error: HarnessError) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), error.status

    @routes.get("/")
    def alone() -> Response:
        return Response(_static("alone.html"), mimetype="text/html")

    @routes.get("/<any('tab.js', 'tab.css'):name>")
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
        session.settle()
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
