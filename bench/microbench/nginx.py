"""nginx serving one body from a file: the bound on what a server in Python can reach."""

import os
import pwd
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.supervision.process import SupervisedProcess
from bench.supervision.watchdog import Watchdog

NO_NGINX = "nginx is not installed (Debian: apt-get install nginx-light)"


def find_nginx() -> str | None:
    """Return the path of nginx, also where only root has its folder on the path."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def nginx(program: str, body: bytes, watchdog: Watchdog, folder: Path) -> Iterator[str]:
    """Serve ``body`` at ``/pods`` from a file, by sendfile, a worker a processor; give the URL."""
    root = folder / "nginx"
    root.mkdir()
    (root / "pods").write_bytes(body)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = root / "nginx.conf"
    configuration.write_text(_nginx_configuration(root, port))
    url = f"http://127.0.0.1:{port}"
    with SupervisedProcess.start(
        "nginx",
        [program, "-e", root / "error.log", "-p", root, "-c", configuration],
        log=root / "nginx.log",
        watchdog=watchdog,
        ready=lambda: _accepts(port),
    ):
        yield url


def _nginx_configuration(root: Path, port: int) -> str:
    # started by root it would serve as nobody, who may not read a temporary folder
    user = f"user {pwd.getpwuid(os.geteuid()).pw_name};" if os.geteuid() == 0 else ""
    bodies = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "\n  ".join(f"{name}_temp_path {root}/{name};" for name in bodies)
    return f"""{user}
worker_processes auto;
daemon off;
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections 256; }}
http {{
  {paths}
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  default_type application/json;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
