"""Further ways to read pods under the same routes, one file each, found by name.

A file says ``SERVER = Server(...)`` and is called what it is called, with hyphens for underscores.
Nothing else has to be touched: the command line, the contract tests and the plans take it up from
here. It is imported where it is asked for, so that no server starts with what only another needs.
"""

import importlib
import pkgutil

from servers.server import Server


def variant_names(package: str = __name__) -> list[str]:
    """Return the names of the files of ``package``, in their order."""
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return sorted(module.name.replace("_", "-") for module in found)


def load_variant(name: str, package: str = __name__) -> Server:
    """Return the server called ``name``: raises ``KeyError`` if there is no such file.

    Raises ``TypeError`` for a file that declares none.
    """
    if name not in variant_names(package):
        raise KeyError(name)
    module = importlib.import_module(f"{package}.{name.replace('-', '_')}")
    server = getattr(module, "SERVER", None)
    if not isinstance(server, Server):
        raise TypeError(f"{module.__file__} declares no SERVER")
    return server
