"""A mirror of the envtest archives on loopback."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.integration.binaries.stand_ins import TARGET


class Mirror:
    """An index and archives over HTTP on loopback; records the paths of requests."""

    def __init__(self):
        self.files = {}
        self.releases = {}
        self.requests = []
        self.cut_after = None
        """Number of bytes after which an archive breaks off; its full length is announced."""
        self.hold = threading.Event()
        self.hold.set()
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                mirror.requests.append(self.path)
                mirror.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def offer(self, version, content, sha512=None, name=None):
        name = name or f"envtest-v{version}-{TARGET}.tar.gz"
        self.files[f"/{name}"] = content
        self.releases.setdefault(f"v{version}", {})[name] = {
            "hash": sha512 or hashlib.sha512(content).hexdigest(),
            "selfLink": f"{self.address}/{name}",
        }

    def answer(self, request):
        if request.path == "/index.yaml":
            body = self.index()
        else:
            self.hold.wait(60)
            body = self.files.get(request.path)
        if body is None:
            request.send_error(404)
            return
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: self.cut_after] if request.path in self.files else body)

    def index(self):
        lines = ["releases:"]
        for version, archives in self.releases.items():
            lines.append(f"  {version}:")
            for name, entry in archives.items():
                lines.append(f"    {name}:")
                lines += [f"      {key}: {value}" for key, value in entry.items()]
        return "\n".join(lines).encode() if self.releases else b"releases: {}"

    def archives_asked(self):
        return [path for path in self.requests if path.endswith(".tar.gz")]

    def close(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
