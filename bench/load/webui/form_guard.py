"""Locust's page guarded: who may act there, and which fields a form may have.

Locust sets whatever argument of the command line a field is named after, those that its form
does not show included.
"""

from collections.abc import Callable, Mapping

from flask import Response, abort, jsonify, request
from locust.argument_parser import ui_extra_args_dict
from locust.env import Environment
from locust.web import WebUI

from bench.load.webui.request_guard import SAFE, guard_requests

FIELDS = frozenset({"user_count", "spawn_rate", "host", "run_time", "user_classes", "shape_class"})
"""Of Locust's own form."""
LABEL = "profile"
"""A field of Locust's that only names a test."""

Complaint = Callable[[Mapping[str, str]], str | None]
"""Says what is wrong with the fields of a form; ``None`` if nothing is."""


def guard_page(environment: Environment, web_ui: WebUI, complaint: Complaint) -> None:
    """Let only this page's own forms act, only with the fields that they show.

    ``complaint`` judges the fields of the form that starts a test, ``host`` among them.
    """
    app = web_ui.app
    assert app is not None, "made before the init event"
    guard_requests(app, web_ui.host, web_ui.port)
    shown: frozenset[str] = FIELDS | {LABEL} | set(ui_extra_args_dict())

    def check_form() -> Response | None:
        """Answer a wrong form as Locust answers one: the page shows the message."""
        if request.method in SAFE or request.path.rstrip("/") not in ("/swarm", "/user"):
            return None
        if request.path.rstrip("/") == "/user":
            abort(403, "user classes are changed by the form that starts a test alone")
        hidden = sorted(set(request.form) - shown)
        wrong = f"The form has no field {hidden[0]!r}" if hidden else complaint(request.form)
        if wrong is None:
            return None
        return jsonify({"success": False, "message": wrong, "host": environment.host})

    app.before_request(check_form)
