"""The proxy that ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY`` choose for a server.

Source of the rules: ``golang.org/x/net/http/httpproxy``, so that kubectl and this library
agree in the same environment. Python's ``urllib.request`` knows neither networks nor ports.
"""

import os
from ipaddress import ip_address, ip_network

PORTS = {"http": 80, "https": 443}


def environment_proxy(scheme: str, host: str, port: int | None) -> str:
    """Return the value of the proxy's variable, "" for no proxy; ``host`` is in lower case."""
    if _is_exempt(host, port or PORTS[scheme]):
        return ""
    return _variable(f"{scheme}_proxy")


def _variable(name: str) -> str:
    return os.environ.get(name.upper()) or os.environ.get(name, "")


def _is_exempt(host: str, port: int) -> bool:
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    entries = _variable("no_proxy").lower().split(",")
    return local or any(_matches(entry.strip(), host, port) for entry in entries)


def _matches(entry: str, host: str, port: int) -> bool:
    """Return whether an entry of ``NO_PROXY`` names the server.

    An entry is ``*``, a network, or an address or domain with or without a port. A domain
    includes its subdomains; with ``.`` or ``*.`` in front it means only these.
    """
    if entry == "*":
        return True
    name = entry
    if entry.count(":") == 1 or entry.startswith("["):
        name, _, only_port = entry.rpartition(":")
        if only_port not in ("", str(port)):
            return False
    try:
        address = ip_address(host)
    except ValueError:
        domain = name.removeprefix("*.").removeprefix(".")
        return bool(domain) and (host == name or host.endswith(f".{domain}"))
    try:
        return address in ip_network(name.strip("[]"), strict=False)
    except ValueError:
        return False
