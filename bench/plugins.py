"""Plugins: modules that are found by their file name, such as routes, faults and observers.

A plugin is called after its file, with dashes for underscores; a new one is one new file.
"""

import difflib
import importlib
import pkgutil
from types import ModuleType


def plugin_names(package: str) -> tuple[str, ...]:
    """Return the names of the plugins in ``package``, sorted; files called ``_...`` are none."""
    folder = importlib.import_module(package).__path__
    modules = (module.name for module in pkgutil.iter_modules(folder))
    return tuple(sorted(name.replace("_", "-") for name in modules if not name.startswith("_")))


def load_plugin(package: str, name: str, noun: str, failure: type[Exception]) -> ModuleType:
    """Return the plugin called ``name``; raise ``failure`` with the nearest name if none is.

    ``noun`` is what the plugins of ``package`` are.
    """
    known = plugin_names(package)
    if name not in known:
        near = difflib.get_close_matches(name.replace("_", "-"), known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise failure(f"there is no {noun} {name!r}; {hint}{noun}s are: {', '.join(known)}")
    return importlib.import_module(f"{package}.{name.replace('-', '_')}")
