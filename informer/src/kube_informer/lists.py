"""A LIST's body, decoded as it comes: objects are made while the server writes the rest.

An API server (1.33 and newer) writes a list item by item. If the bytes with which
each item begins separate the items of a body, they are decoded in batches, and
neither side ever holds the whole body.
"""

import re
import sys

import msgspec

from kube_informer.errors import UndecodableError
from kube_informer.objects import MALFORMED, CachedObject, decode_object, excerpt

BATCH = 1 << 18
"""Bytes of a body to wait for before looking for items in them."""

DEEPEST = 500
"""Levels of JSON in an item that is kept where another is nested too deeply to decode."""

_FIRST_ITEM = re.compile(rb'"items":\[(\{"[^"\\]*":)')
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


class _Metadata(msgspec.Struct):
    resourceVersion: str = ""  # noqa: N815 - Kubernetes' spelling
    continue_: str = msgspec.field(name="continue", default="")


class _Head(msgspec.Struct):
    items: list[msgspec.Raw] | None
    kind: str = ""
    apiVersion: str = ""  # noqa: N815 - Kubernetes' spelling

    def item_prefix(self) -> bytes:
        """Return the bytes that replace the opening brace of items that name no type."""
        kind = msgspec.json.encode(self.kind.removesuffix("List"))
        return b'{"kind":%b,"apiVersion":%b,' % (kind, msgspec.json.encode(self.apiVersion))


class _List(_Head, kw_only=True):
    metadata: _Metadata


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_list = msgspec.json.Decoder(_List).decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode

Item = CachedObject | UndecodableError


class ListReader:
    """Decodes one body, a piece at a time, into items, and errors for undecodable ones."""

    def __init__(self) -> None:
        self.resource_version = self.continue_token = ""
        """Known once :meth:`finish` has returned."""
        # All bytes so far, less the items returned: always the start of a list's body.
        self._pieces: list[bytes] = []
        self._size = 0
        self._needed = BATCH
        self._start = 0  # where the items begin, once that is known
        self._between = b""  # the end of an item and the start of the next one
        self._prefix = b""

    def feed(self, data: bytes) -> list[Item]:
        """Take in a piece; return the items that are now complete."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size < self._needed:
            return []
        body = b"".join(self._pieces)
        if not self._start and not self._lay_out(body):
            self._needed = sys.maxsize
            return []
        items: list[Item] = []
        cut = body.rfind(self._between, self._start)
        try:
            if cut >= 0:
                raws = _decode_items(b"[%b}]" % body[self._start : cut])
                items = _to_items(raws, self._prefix)
                body = body[: self._start] + body[cut + len(b"},") :]
        except MALFORMED:
            pass  # the cut was within an item; wait for twice the bytes, lest it take for ever
        self._pieces, self._size = [body], len(body)
        self._needed = self._size + BATCH if items else 2 * self._size
        return items

    def _lay_out(self, body: bytes) -> bool:
        """Find where the items begin and the bytes that open each; return whether that works."""
        first = _FIRST_ITEM.search(body)
        if first is None:
            return False
        start, opening = first.start(1), first[1]
        try:
            head = _decode_head(body[:start] + b"]}")
        except MALFORMED:
            return False  # not the list's own items
        if not head.kind and opening not in (b'{"kind":', b'{"apiVersion":'):
            return False  # the list's type follows its items, which name none
        self._start, self._between, self._prefix = start, b"}," + opening, head.item_prefix()
        return True

    def finish(self) -> list[Item]:
        """Return the remaining items; raise :class:`UndecodableError` if it is no list."""
        document = _decode_body(b"".join(self._pieces))
        self.resource_version = document.metadata.resourceVersion
        self.continue_token = document.metadata.continue_
        return _to_items(document.items or (), document.item_prefix())


def list_version(body: bytes) -> str:
    """Return a list's resourceVersion; raise :class:`UndecodableError` if it is no list."""
    return _decode_body(body).metadata.resourceVersion


def _decode_body(body: bytes) -> _List:
    try:
        try:
            return _decode_list(body)
        except RecursionError:
            return _decode_list(_without_deep_items(body))
    except MALFORMED as error:
        raise UndecodableError(f"not a list ({error}): {excerpt(body)}") from error


def _without_deep_items(body: bytes) -> bytes:
    """Return a list with ``null`` in place of each item that is nested too deeply to decode."""
    pieces, level, deepest, begin, end = [], 0, 0, 0, 0
    for token in _TOKEN.finditer(body):
        if token[0] in b"{[":
            level, begin = level + 1, token.start() if level == 2 else begin
            deepest = max(deepest, level)
        elif token[0] in b"}]":
            level -= 1
            if level == 2:
                if deepest > DEEPEST:
                    pieces += [body[end:begin], b"null"]
                    end = token.end()
                deepest = 0
    return b"".join([*pieces, body[end:]])


def _to_items(raws: "list[msgspec.Raw] | tuple[()]", prefix: bytes) -> list[Item]:
    items: list[Item] = []
    for raw in raws:
        try:
            items.append(decode_object(raw, prefix))
        except UndecodableError as error:
            items.append(error)
    return items
