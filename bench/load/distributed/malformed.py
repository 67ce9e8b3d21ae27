"""A listener for workers that survives whatever is sent to its port, and counts it.

Locust's master ends its listener at the first message that is not one of its own:
msgpack that cannot be read, another number of frames, a field that is missing. Anyone
who reaches the port can send one.
"""

import logging
from collections.abc import Callable

from locust.env import Environment
from locust.exception import RPCError, RPCReceiveError
from locust.rpc import Message
from locust.runners import MasterRunner

TEXT_LIMIT = 200
"""Characters that are kept of an error: a stranger may have chosen them."""

log = logging.getLogger(__name__)

Tell = Callable[[str | None, str], None]
"""Hears who sent a malformed message, if that could be read, and what is wrong with it."""


def _log(client_id: str | None, why: str) -> None:
    sender = f" from {client_id!r}"[:TEXT_LIMIT] if client_id else ""
    log.error("a malformed message%s on the workers' port was dropped: %s", sender, why)


def keep_listening(environment: Environment, tell: Tell = _log) -> None:
    """Let the master of ``environment`` listen on after a malformed message; no-op elsewhere.

    To be called before the master's listener
    has run: by who makes the runner, or at Locust's ``init``.
    """
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        return
    receive, handle = runner.server.recv_from_client, runner.handle_message

    def received() -> tuple[str, Message]:
        try:
            client_id, message = receive()  # type: ignore[no-untyped-call]
        except RPCReceiveError as error:
            tell(error.addr, reason(error.__cause__ or error))
            raise
        except RPCError:
            raise  # the network's fault; Locust binds the port again
        except Exception as error:
            tell(None, reason(error))
            raise RPCReceiveError("malformed message") from error
        message.node_id = client_id  # what it calls itself within may be another's name
        return client_id, message

    def handled(client_id: str, message: Message) -> None:
        try:
            handle(client_id, message)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's message leads to
            tell(client_id, reason(error))

    # in place of the methods of Locust's own classes
    vars(runner.server)["recv_from_client"] = received
    vars(runner)["handle_message"] = handled


def reason(error: BaseException) -> str:
    """Return what was wrong with a message, short and printable."""
    text = f"{type(error).__name__}: {error}"[:TEXT_LIMIT]
    return "".join(char if char.isprintable() else "?" for char in text)
