"""Material of kubeconfig forms: one API server, addresses and proxies, and credentials."""

import base64
import contextlib
import select
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.cluster.certificates import Authority, KeyPair
from bench.cluster.control_plane import ControlPlane
from bench.cluster.identities import ADMIN
from bench.supervision.watchdog import Watchdog

GROUP = "client.authentication.k8s.io"
CONTEXT = "ours"
MARK = "marked-secret-4711"
"""Part of invalid secrets; no message may have it."""


@dataclass
class World:
    """Addresses, files and tokens for forms; each form has its own ``folder``."""

    plane: ControlPlane
    folder: Path
    forwarder: int
    """Port on ::1 that leads to the API server."""
    proxy: int
    """Port on 127.0.0.1 of an http proxy that only knows CONNECT."""
    plain: str
    """``kubectl proxy``, which authenticates by itself."""

    @property
    def url(self) -> str:
        return self.plane.url

    @property
    def authority(self) -> Path:
        return self.plane.folder / "ca.crt"

    @property
    def token(self) -> str:
        return (self.plane.folder / "tokens" / "direct").read_text().strip()

    @property
    def other_token(self) -> str:
        return (self.plane.folder / "tokens" / "informer").read_text().strip()

    @property
    def admin(self) -> tuple[Path, Path]:
        document = yaml.safe_load(self.plane.kubeconfig.read_text())
        user = next(entry["user"] for entry in document["users"] if entry["name"] == ADMIN)
        return Path(user["client-certificate"]), Path(user["client-key"])

    def cluster(self, **fields: Any) -> dict[str, Any]:
        return {"server": self.url, "certificate-authority": str(self.authority), **fields}

    def admin_data(self) -> dict[str, str]:
        certificate, key = (base64.b64encode(file.read_bytes()).decode() for file in self.admin)
        return {"client-certificate-data": certificate, "client-key-data": key}

    def write(self, name: str, content: str | bytes) -> str:
        """Write a file beside the kubeconfig and return its name."""
        data = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(data)
        return name

    def plugin(self, status: str, version: str = "v1", before: str = "", **fields: Any) -> dict:
        """Return a user whose plugin prints ``status`` (Python), with ``before`` run first."""
        program = self.folder / "plugin"
        program.write_text(
            f"#!{sys.executable}\nimport json, os, sys, time\n"
            f"info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n{before}\n"
            f"print(json.dumps(dict(kind='ExecCredential', apiVersion='{GROUP}/{version}', "
            f"status={status})))\n"
        )
        program.chmod(0o755)
        entry = {
            "command": str(program),
            "apiVersion": f"{GROUP}/{version}",
            "interactiveMode": "Never",
        }
        return {"exec": {key: value for key, value in (entry | fields).items() if value != ""}}

    def document(
        self, user: Any = None, cluster: Any = None, context: Any = None, **more: Any
    ) -> dict[str, Any]:
        """Return a kubeconfig of one context; ``user`` has a token unless it is given."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": self.cluster() if cluster is None else cluster}],
            "users": [{"name": "u", "user": {"token": self.token} if user is None else user}],
            "contexts": [
                {"name": CONTEXT, "context": context or {"cluster": "c", "user": "u"}},
            ],
            "current-context": CONTEXT,
            **more,
        }

    def stranger(self) -> Authority:
        folder = self.folder / "stranger"
        folder.mkdir()
        return Authority(folder)


class _Proxy(socketserver.StreamRequestHandler):
    """An http proxy that only knows CONNECT."""

    def handle(self) -> None:
        request = self.rfile.readline().decode().split()
        while self.rfile.readline().strip():
            pass
        if not request or request[0] != "CONNECT":
            self.wfile.write(b"HTTP/1.1 405 Only CONNECT\r\n\r\n")
            return
        host, _, port = request[1].rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            _relay(self.connection, far)


def _relay(near: socket.socket, far: socket.socket) -> None:
    others = {near: far, far: near}
    with contextlib.suppress(OSError):
        while True:
            for side in select.select(list(others), [], [])[0]:
                data = side.recv(65536)
                if not data:
                    return
                others[side].sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Server6(_Server):
    address_family = socket.AF_INET6


@contextlib.contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    """Serve inside the block; yield the port."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def forwarder(port: int) -> Iterator[int]:
    """Forward from a port on ::1 to ``port`` on 127.0.0.1."""

    class Forward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as far:
                _relay(self.request, far)

    with serving(_Server6(("::1", 0), Forward)) as listening_port:
        yield listening_port


@contextlib.contextmanager
def connect_proxy(pair: KeyPair | None = None) -> Iterator[int]:
    """An http proxy on 127.0.0.1; an https proxy if a pair is given."""
    server = _Server(("127.0.0.1", 0), _Proxy)
    if pair is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(pair.certificate, pair.key)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with serving(server) as port:
        yield port


@contextlib.contextmanager
def kubectl_proxy(kubectl: Path, kubeconfig: Path, watchdog: Watchdog) -> Iterator[str]:
    """Run ``kubectl proxy`` in the kubeconfig's current context, below a prefix; yield its URL."""
    argv = [kubectl, f"--kubeconfig={kubeconfig}", "proxy", "--port=0", "--api-prefix=/k8s/c-1"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, process_group=0) as process:
        watchdog.guard_group(process.pid)
        try:
            assert process.stdout is not None
            yield f"http://{process.stdout.readline().split()[-1]}/k8s/c-1"
        finally:
            process.terminate()
            process.wait()
            watchdog.release_group(process.pid)
