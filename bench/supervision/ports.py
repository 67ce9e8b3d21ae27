"""Free ports to listen on, and whether a URL answers."""

import socket
import urllib.request


class PortTaken(OSError):  # noqa: N818 - what happened
    """Raised when an address cannot be listened on."""


def usable_port(host: str = "127.0.0.1", port: int = 0, *, option: str = "") -> int:
    """Return ``port`` if it is free on ``host`` now; for 0, a free port.

    Raises ``PortTaken``, naming ``option`` as the way out, if it is not free, or if ``host`` is
    no address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(1)
        except OSError as error:
            reason = error.strerror or str(error)
            address = f"{host} port {port}" if port else host
            way_out = f"; choose another with {option}" if option else ""
            raise PortTaken(f"cannot listen on {address}: {reason}{way_out}") from error
        return int(listener.getsockname()[1])


def answers(url: str) -> bool:
    """Return whether a GET of ``url`` is answered with 200, with a timeout of two seconds."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
