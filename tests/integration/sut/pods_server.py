"""A server of the /pods routes in plain Python, as somebody else might write it.

It knows nothing of this project: it reads its environment and the kubeconfig named
there. The arguments give it flaws.
"""

import gzip
import json
import os
import ssl
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import yaml

FLAWS = frozenset(sys.argv[1:])


class ApiServer:
    def __init__(self, kubeconfig: str) -> None:
        config = yaml.safe_load(Path(kubeconfig).read_text())
        context = named(config["contexts"], config["current-context"])["context"]
        cluster = named(config["clusters"], context["cluster"])["cluster"]
        self.url = cluster["server"]
        self.trust = ssl.create_default_context(cafile=cluster["certificate-authority"])
        token = Path(named(config["users"], context["user"])["user"]["tokenFile"]).read_text()
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> dict:
        request = urllib.request.Request(self.url + path, headers=self.headers)
        with urllib.request.urlopen(request, context=self.trust, timeout=10) as answer:
            return json.load(answer)


def named(entries: list[dict], name: str) -> dict:
    (match,) = [entry for entry in entries if entry["name"] == name]
    return match


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        match path.path.strip("/").split("/"):
            case ["pods", *_] if "errs" in FLAWS:
                self.send(500, None)
            case ["pods"]:
                self.send_pods(f"/api/v1/pods?{path.query}")
            case ["pods", namespace]:
                self.send_pods(f"/api/v1/namespaces/{namespace}/pods?{path.query}")
            case ["pods", namespace, name]:
                self.send(200, API.get(f"/api/v1/namespaces/{namespace}/pods/{name}"))
            case ["readyz"] if "never-ready" in FLAWS:
                self.send(503, None)
            case ["readyz"] if "no-readyz" not in FLAWS:
                self.send(200, None)
            case _:
                self.send(404, None)

    def send_pods(self, path: str) -> None:
        listed = API.get(path)
        version = listed["metadata"]["resourceVersion"]
        pods = [{"kind": "Pod", "apiVersion": "v1", **pod} for pod in listed["items"]]
        if "loses-a-pod" in FLAWS:
            del pods[-1]
        self.send(200, pods, version)

    def send(self, code: int, result: object, version: str = "") -> None:
        body = json.dumps({"code": code, "message": "pong", "result": result}).encode()
        if "packs" in FLAWS:
            body = gzip.compress(body)
        self.send_response(code)
        if "packs" in FLAWS:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        if version and "names-versions" in FLAWS:
            self.send_header("X-Resource-Version", version)
        self.end_headers()
        self.wfile.write(b"not JSON".ljust(len(body)) if "talks-nonsense" in FLAWS else body)

    def log_message(self, *what: object) -> None:
        pass


print(f"reads as {os.environ['CONTEXT']} of {os.environ['NAMESPACE']}", flush=True)
if "dies" in FLAWS:
    sys.exit("out of luck")
API = ApiServer(os.environ["KUBECONFIG"])
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
