"""A faithful server without a cluster; it prints the URL of its pods."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ASKED = [0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        parts = self.path.strip("/").split("/")
        ASKED[0] += 1
        metadata = {"namespace": parts[1], "name": parts[-1]} if len(parts) == 3 else {}
        pod = {"metadata": metadata}
        body = {"code": 200, "message": "pong", "result": pod if metadata else [pod, pod]}
        self.send(json.dumps(body).encode())

    def send(self, body: bytes) -> None:
        self.send_response_only(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Resource-Version", str(ASKED[0]))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}/pods", flush=True)
server.serve_forever()
