"""Check that ports are free before anything is started."""

import socket


class PortTaken(OSError):  # noqa: N818 - what happened
    """An address cannot be listened on."""


def free_port(host: str, option: str) -> int:
    """Return a port that is free on ``host`` now.

    Raises ``PortTaken``, naming ``option`` as the way out, if ``host`` is none of this machine's.
    """
    return _bound(host, 0, option)


def require_free(host: str, port: int, option: str) -> None:
    """Raise ``PortTaken``, naming ``option`` as the way out, if ``host``:``port`` is not free."""
    _bound(host, port, option)


def _bound(host: str, port: int, option: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(1)
        except OSError as error:
            reason = error.strerror or str(error)
            place = f"{host} port {port}" if port else host
            raise PortTaken(
                f"cannot listen on {place}: {reason}; choose another with {option}"
            ) from error
        return int(listener.getsockname()[1])
