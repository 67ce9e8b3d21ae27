"""Whether a body is what the routes promise. Reading it all costs too much to do each time."""

import msgspec


class ImplausibleBodyError(Exception):
    """An answer with status 200 that cannot be right."""


class _Envelope(msgspec.Struct):
    code: int
    result: list[msgspec.Raw] | dict[str, msgspec.Raw]


class _Name(msgspec.Struct):
    name: str
    namespace: str


class BodyCheck:
    """Checks bodies in full: JSON, ``code``, and a number of entries like the one seen before.

    Churn moves the number of pods about, so a list is plausible while it holds
    between half and double of what the first checked answer to its path held. The
    pods asked for always exist: an empty list is never plausible.
    """

    def __init__(self) -> None:
        self._entries: dict[str, int] = {}

    def check(self, path: str, body: bytes) -> None:
        """Raise ``ImplausibleBodyError`` unless ``body`` may be the right answer to ``path``."""
        try:
            envelope = msgspec.json.decode(body, type=_Envelope)
        except msgspec.DecodeError as error:
            raise ImplausibleBodyError(f"the body is not the answer promised: {error}") from error
        if envelope.code != 200:
            raise ImplausibleBodyError(f"the body says code {envelope.code} under status 200")
        asks_for_one = path.partition("?")[0].count("/") == 3  # /pods/<namespace>/<name>
        if asks_for_one is not isinstance(envelope.result, dict):
            asked, given = ("one pod", "a list") if asks_for_one else ("a list", "one object")
            raise ImplausibleBodyError(f"{asked} was asked for, {given} came")
        if isinstance(envelope.result, dict):
            _check_pod(path, envelope.result)
        else:
            self._check_entries(path, len(envelope.result))

    def _check_entries(self, path: str, entries: int) -> None:
        if entries == 0:
            raise ImplausibleBodyError("the list is empty though its pods exist")
        usual = self._entries.setdefault(path, entries)
        if not usual / 2 <= entries <= usual * 2:
            raise ImplausibleBodyError(f"the list holds {entries} entries, {usual} at first")


def _check_pod(path: str, pod: dict[str, msgspec.Raw]) -> None:
    try:
        found = msgspec.json.decode(pod["metadata"], type=_Name)
    except (KeyError, msgspec.DecodeError) as error:
        raise ImplausibleBodyError(f"the pod has no usable metadata: {error}") from error
    if not path.endswith(f"/{found.namespace}/{found.name}"):
        raise ImplausibleBodyError(f"the pod is {found.namespace}/{found.name}")
