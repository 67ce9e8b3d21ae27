"""Check that the API server can be reached, before a server starts to serve."""

import socket
from urllib.parse import urlsplit

from kube_informer import ClientConfig
from kube_informer.redaction import redact

CONNECT_TIMEOUT_S = 3.0


class ApiServerAwayError(Exception):
    """Raised when no connection to the API server's address can be made."""


def check_reachable(config: ClientConfig) -> None:
    """Connect to the API server and hang up; raise :class:`ApiServerAwayError`.

    It sends no request, so no ledger shows it. Behind a proxy it checks nothing.
    Raise ``CredentialsError`` if an exec plugin gives no credentials.
    """
    config.credentials.headers()
    if config.proxy:
        return
    address = urlsplit(config.server)
    port = address.port or (443 if address.scheme == "https" else 80)
    host = address.hostname or ""
    tls = config.tls() if address.scheme == "https" else None
    try:
        with socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S) as plain:
            if tls is not None:
                tls.wrap_socket(plain, server_hostname=config.server_name or host).close()
    except OSError as error:
        raise ApiServerAwayError(
            redact(f"the API server at {config.server} cannot be reached: {error}")
        ) from error
