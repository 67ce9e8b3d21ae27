"""Guard of Locust's page: who may act there, and which fields a form may have.

Locust sets each command-line argument that a field is named after, even an argument that its
form does not show.
"""

from collections.abc import Callable, Mapping

from flask import Response, abort, jsonify, request
from locust.argument_parser import ui_extra_args_dict
from locust.env import Environment
from locust.web import WebUI

from bench.load.webui.request_guard import SAFE, guard_requests

FIELDS = frozenset({"user_count", "spawn_rate", "host", "run_time", "user_classes", "shape_class"})
"""Fields of Locust's own form."""
LABEL = "profile"
"""A field of Locust's that only names a test."""

Complaint = Callable[[Mapping[str, str]], str | None]
"""Returns the error in the fields of a form; ``None`` if they are valid."""


def guard_page(environment: Environment, web_ui: WebUI, complaint: Complaint) -> None:
    """Let only this page's own forms act, and only with the fields that they show.

    ``complaint`` judges the fields of the form that starts a test, ``host`` among them.
    """
    app = web_ui.app
    assert app is not None, "made before the init event"
    guard_requests(app, web_ui.host, web_ui.port)
    shown: frozenset[str] = FIELDS | {LABEL} | set(ui_extra_args_dict())

    def check_form() -> Response | None:
        """Answer an invalid form as Locust does, so that the page shows the message."""
        if request.method in SAFE or request.path.rstrip("/") not in ("/swarm", "/user"):
            return None
        if request.path.rstrip("/") == "/user":
            abort(403, "only the form that starts a test may change user classes")
        hidden = sorted(set(request.form) - shown)
        message = f"The form has no field {hidden[0]!r}" if hidden else complaint(request.form)
        if message is None:
            return None
        return jsonify({"success": False, "message": message, "host": environment.host})

    app.before_request(check_form)
