"""Further ways to read pods under the same routes, one file each, found by name.

A file defines ``SERVER = Server(...)``; its name, with hyphens for underscores, is the server's.
No other change is needed: the command line, the contract tests and the plans find it here. It is
imported on demand, so that no server loads the imports of another.
"""

import importlib
import pkgutil

from servers.server import Server


def variant_names(package: str = __name__) -> list[str]:
    """Return the servers' names of the files of ``package``, sorted."""
    modules = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return sorted(module.name.replace("_", "-") for module in modules)


def load_variant(name: str, package: str = __name__) -> Server:
    """Return the server called ``name``; raise ``KeyError`` if there is no such file.

    Raise ``TypeError`` for a file that declares none.
    """
    if name not in variant_names(package):
        raise KeyError(name)
    module = importlib.import_module(f"{package}.{name.replace('-', '_')}")
    server = getattr(module, "SERVER", None)
    if not isinstance(server, Server):
        raise TypeError(f"{module.__file__} declares no SERVER")
    return server
