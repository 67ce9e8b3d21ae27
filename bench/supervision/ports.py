"""Ports to listen on, looked at before anything is started there, and whether it answers then."""

import socket
import urllib.request


class PortTaken(OSError):  # noqa: N818 - what happened
    """An address cannot be listened on."""


def usable_port(host: str = "127.0.0.1", port: int = 0, *, option: str = "") -> int:
    """Return ``port`` if it is free on ``host`` now, for 0 one that is.

    Raises ``PortTaken``, naming ``option`` as the way out, if it is not, or if ``host`` is none
    of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(1)
        except OSError as error:
            reason = error.strerror or str(error)
            place = f"{host} port {port}" if port else host
            way_out = f"; choose another with {option}" if option else ""
            raise PortTaken(f"cannot listen on {place}: {reason}{way_out}") from error
        return int(listener.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a GET of ``url`` is answered with 200, within two seconds of silence."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
