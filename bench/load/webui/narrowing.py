"""Restrict a route's asks to one namespace or selector, as the form says. Pure."""

from dataclasses import replace
from urllib.parse import quote

from bench.load.routes import Ask, selector_query

ALL = "/pods"
SELECTOR = "labelSelector="


def narrowed(asks: tuple[Ask, ...], namespace: str, selector: str) -> tuple[Ask, ...]:
    """Return ``asks`` confined to ``namespace`` and ``selector``; "" leaves either as it is.

    A list of all pods becomes one of the namespace. Asks of other namespaces go, unless
    all would; a selector is added to every list, in the place of its own if it has one.
    The read of one pod has no selector and keeps its form.
    """
    if namespace:
        within = tuple(found for ask in asks if (found := _in_namespace(ask, namespace)))
        asks = within or (Ask(f"{ALL}/{quote(namespace, safe='')}", 1.0, f"{ALL}/<namespace>"),)
    if selector:
        asks = tuple(_selecting(ask, selector) for ask in asks)
    return asks


def _parts(path: str) -> list[str]:
    return path.partition("?")[0].strip("/").split("/")


def _in_namespace(ask: Ask, namespace: str) -> Ask | None:
    parts, wanted = _parts(ask.path), quote(namespace, safe="")
    if len(parts) == 1:
        return replace(
            ask,
            path=ask.path.replace(ALL, f"{ALL}/{wanted}", 1),
            label=ask.label.replace(ALL, f"{ALL}/<namespace>", 1),
        )
    return ask if parts[1] == wanted else None


def _selecting(ask: Ask, selector: str) -> Ask:
    if len(_parts(ask.path)) > 2:
        return ask
    path, label = ask.path.partition("?")[0], ask.label.partition("?")[0]
    return replace(
        ask,
        path=f"{path}?{SELECTOR}{selector_query(selector)}",
        label=f"{label}?{SELECTOR}<selector>",
    )
