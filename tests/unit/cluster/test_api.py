"""The harness's own requests: where they go, and what they carry."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bench.cluster.api import Api, Credentials
from bench.cluster.child_rpc import account_arguments, account_parser, credentials_of


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch):
    """A server that answers everything, plain, and what it was asked."""
    asked: list[tuple[str, str | None]] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            body = json.dumps({}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = Thread(target=server.serve_forever)
    thread.start()
    # what is tried here is not TLS, which every other test of an API server has
    plain = f"http://127.0.0.1:{server.server_port}"
    real = Api.__init__

    def without_tls(self: Api, credentials: Credentials, **more: int) -> None:
        real(self, credentials, **more)
        from urllib3.connectionpool import connection_from_url

        self._pool = connection_from_url(plain, retries=False)

    monkeypatch.setattr(Api, "__init__", without_tls)
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_api_server_behind_a_path_is_asked_below_that_path(seen) -> None:
    api = Api(Credentials("https://rancher.example.com/k8s/clusters/c-1/", None))
    api.get("/api/v1/pods?limit=1")
    api.close()
    assert [("/k8s/clusters/c-1/api/v1/pods?limit=1", None)] == seen


def test_a_token_is_asked_for_anew_for_each_request(seen, tmp_path: Path) -> None:
    tokens = iter(["one", "two"])
    api = Api(Credentials("https://x", None, token=lambda: next(tokens)))
    api.get("/a")
    api.get("/b")
    api.close()
    file = tmp_path / "token"
    file.write_text("three")
    api = Api(Credentials("https://x", None, token=file))
    api.get("/c")
    api.close()
    assert [("/a", "Bearer one"), ("/b", "Bearer two"), ("/c", "Bearer three")] == seen


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials("https://x", Path("/ca"), token=Path("/t")),
        Credentials("https://x", None, token=Path("/t"), server_name="kubernetes"),
    ],
)
def test_credentials_survive_the_way_to_a_process_of_ours(credentials: Credentials) -> None:
    arguments = account_parser("x", "").parse_args(account_arguments(credentials))
    assert credentials == credentials_of(arguments)
