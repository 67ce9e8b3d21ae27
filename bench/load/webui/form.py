"""Fields that this project adds to Locust's form: their check and their effect. Pure: no Locust."""

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from bench.load.routes import Ask, names, selector_query
from bench.model import Arrivals

OF_THE_CLASS = "of the class"
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
MOST_PER_S = 100_000.0
ALL = "/pods"
SELECTOR = "labelSelector="


def complaint(form: Mapping[str, str]) -> str | None:
    """Return the error in the fields of the form, ``None`` if they are valid.

    Locust itself would answer an invalid number with an internal error, and take any
    text for a choice.
    """
    if form.get("host", "").strip():
        return "Leave Host empty: each user class has its own server"
    for name, choices in (("route", (OF_THE_CLASS, *names())), ("arrivals", tuple(Arrivals))):
        if (value := form.get(name)) is not None and value not in choices:
            return f"Invalid {name} value: {value!r} (must be one of {', '.join(choices)})"
    namespace = form.get("namespace", "")
    if namespace and not NAMESPACE.fullmatch(namespace):
        return f"Invalid namespace value: {namespace!r} (must be a namespace's name, or empty)"
    if any(not char.isprintable() for char in form.get("selector", "")):
        return "Invalid selector value (must be printable text)"
    return (
        _not_a_number(form, "rate", 0.0, MOST_PER_S, whole=False)
        or _not_a_number(form, "outstanding", 1, 100_000, whole=True)
        or _not_a_number(form, "timeout_s", 0.001, 3600.0, whole=False)
        or _not_a_number(form, "seed", -(2**63), 2**63 - 1, whole=True)
    )


def _not_a_number(
    form: Mapping[str, str], name: str, low: float, high: float, *, whole: bool
) -> str | None:
    text = form.get(name)
    if text is None:
        return None
    kind = "an integer" if whole else "a number"
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        return f"Invalid {name} value: {text!r} (must be {kind})"
    if not low <= value <= high:
        return f"Invalid {name} value: {text!r} (must be {kind} from {low:g} to {high:g})"
    return None


def narrowed(asks: tuple[Ask, ...], namespace: str, selector: str) -> tuple[Ask, ...]:
    """Return ``asks`` confined to ``namespace`` and ``selector``; "" does not confine.

    A list of all pods becomes one of the namespace. Asks of other namespaces are removed; a
    list of the namespace replaces them if none is left. Every list gets the selector, in
    place of its own. The read of one pod has no selector and stays as it is.
    """
    if namespace:
        narrow = tuple(inside for ask in asks if (inside := _in_namespace(ask, namespace)))
        asks = narrow or (Ask(f"{ALL}/{quote(namespace, safe='')}", 1.0, f"{ALL}/<namespace>"),)
    if selector:
        asks = tuple(_with_selector(ask, selector) for ask in asks)
    return asks


def _parts(path: str) -> list[str]:
    return path.partition("?")[0].strip("/").split("/")


def _in_namespace(ask: Ask, namespace: str) -> Ask | None:
    parts, quoted = _parts(ask.path), quote(namespace, safe="")
    if len(parts) == 1:
        return replace(
            ask,
            path=ask.path.replace(ALL, f"{ALL}/{quoted}", 1),
            label=ask.label.replace(ALL, f"{ALL}/<namespace>", 1),
        )
    return ask if parts[1] == quoted else None


def _with_selector(ask: Ask, selector: str) -> Ask:
    if len(_parts(ask.path)) > 2:
        return ask
    path, label = ask.path.partition("?")[0], ask.label.partition("?")[0]
    return replace(
        ask,
        path=f"{path}?{SELECTOR}{selector_query(selector)}",
        label=f"{label}?{SELECTOR}<selector>",
    )
