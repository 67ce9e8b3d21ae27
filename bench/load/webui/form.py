"""Check the fields that this project adds to Locust's form. Pure: no Locust."""

import re
from collections.abc import Mapping

from bench.load.routes import names
from bench.model import Arrivals

OF_THE_CLASS = "of the class"
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
MOST_PER_S = 100_000.0


def complaint(form: Mapping[str, str]) -> str | None:
    """Return what is wrong with the fields of the form, ``None`` if nothing is.

    Locust itself would answer a number that is none with a failure of its own, and
    take any text for a choice.
    """
    if form.get("host", "").strip():
        return "Leave Host empty: each user class has a server of its own"
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
