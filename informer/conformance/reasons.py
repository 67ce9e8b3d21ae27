"""Why this library differs from client-go on purpose, by history and by what differs."""

from collections.abc import Mapping

REASONS: Mapping[tuple[str, str], str] = {}
