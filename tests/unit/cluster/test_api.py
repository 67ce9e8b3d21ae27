"""The harness's own requests: their paths and headers."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bench.cluster.api import Api
from kube_informer import ClientConfig, Credentials, TokenFile


@pytest.fixture
def api_server():
    """A plain HTTP server that answers everything: its address and the requests it got."""
    requests: list[tuple[str, str | None]] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append((self.path, self.headers["Authorization"]))
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
    yield f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    thread.join()
    server.server_close()


def test_requests_to_an_api_server_behind_a_path_go_below_that_path(api_server) -> None:
    server, requests = api_server
    api = Api(ClientConfig(f"{server}/k8s/clusters/c-1"))
    api.get("/api/v1/pods?limit=1")
    api.close()
    assert [("/k8s/clusters/c-1/api/v1/pods?limit=1", None)] == requests


def test_a_token_is_read_again_for_each_request(api_server, tmp_path: Path) -> None:
    server, requests = api_server
    file = tmp_path / "token"
    api = Api(ClientConfig(server, Credentials(TokenFile(file))))
    for token in ("one", "two\n", "three"):
        fresh = tmp_path / "fresh"
        fresh.write_text(token)
        fresh.replace(file)
        api.get("/a")
    api.close()
    assert [("/a", "Bearer one"), ("/a", "Bearer two"), ("/a", "Bearer three")] == requests
