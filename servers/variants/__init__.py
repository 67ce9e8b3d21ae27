"""Further ways to read pods under the same routes, one file each, found by name.

A file says ``SERVER = Server(...)`` and is called what it is called, with hyphens
for underscores; one that holds several says ``SERVERS = {name: Server(...)}``.
Nothing else has to be touched: the command line, the contract tests and the plans
take it up from here. What several of them share does not belong here.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from servers.server import Server


def discover(package: str = __name__) -> Mapping[str, Server]:
    """Return the servers of every file of ``package``, in the order of the files' names.

    Raises ``TypeError`` for a file that declares none.
    """
    servers: dict[str, Server] = {}
    for module in sorted(
        pkgutil.iter_modules(importlib.import_module(package).__path__), key=lambda m: m.name
    ):
        declared = importlib.import_module(f"{package}.{module.name}")
        single = {module.name.replace("_", "-"): getattr(declared, "SERVER", None)}
        for name, server in getattr(declared, "SERVERS", single).items():
            if not isinstance(server, Server):
                raise TypeError(f"{declared.__file__} declares neither SERVER nor SERVERS")
            servers[name] = server
    return servers
