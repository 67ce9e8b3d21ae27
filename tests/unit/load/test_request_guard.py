"""Request guard of the page: Host, Origin and token."""

import pytest
from flask import Flask
from flask_cors import CORS

from bench.load.webui.request_guard import guard_requests


@pytest.fixture
def app():
    app = Flask("page")
    CORS(app)  # as Locust has it
    guard_requests(app, "127.0.0.1", 8089)

    @app.get("/")
    def index():
        return "<p>page</p>"

    @app.post("/act")
    def act():
        return "done"

    return app


@pytest.mark.parametrize("host", ["127.0.0.1:8089", "localhost:8089", "[::1]:8089", "192.0.2.7"])
def test_addresses_and_localhost_are_served(app, host):
    assert 200 == app.test_client().get("/", headers={"Host": host}).status_code


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8089", "127.0.0.1.evil.example"])
def test_a_name_that_anyone_may_own_is_not_served(app, host):
    assert 403 == app.test_client().get("/", headers={"Host": host}).status_code


def test_a_page_of_another_origin_may_not_read(app):
    headers = {"Origin": "http://127.0.0.1:9999", "Host": "127.0.0.1:8089"}
    assert 403 == app.test_client().get("/", headers=headers).status_code
    same_origin = {"Origin": "http://127.0.0.1:8089", "Host": "127.0.0.1:8089"}
    answer = app.test_client().get("/", headers=same_origin)
    assert 200 == answer.status_code
    assert not [name for name in answer.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118 - headers iterate as pairs


def test_an_action_needs_the_cookie_of_the_page(app):
    client = app.test_client()
    assert 403 == client.post("/act").status_code
    client.get("/")
    assert 200 == client.post("/act").status_code


def test_the_cookie_of_another_run_is_refused(app):
    client = app.test_client()
    client.set_cookie("informer-bench-8089", "of-another-run")
    assert 403 == client.post("/act").status_code


def test_a_form_of_another_site_is_refused(app):
    client = app.test_client()
    client.get("/")
    assert 403 == client.post("/act", headers={"Sec-Fetch-Site": "cross-site"}).status_code
