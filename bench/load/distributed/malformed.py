"""Listener for workers that survives malformed messages on its port, and reports them.

Locust's master ends its listener at the first message that is not one of its own:
unreadable msgpack, a wrong number of frames, a missing field. Anyone who reaches the
port can send one.
"""

import logging
from collections.abc import Callable

from locust.env import Environment
from locust.exception import RPCError, RPCReceiveError
from locust.rpc import Message
from locust.runners import MasterRunner

TEXT_LIMIT = 200
"""Most characters kept of an error's text: a stranger may have chosen them."""

log = logging.getLogger(__name__)

OnMalformed = Callable[[str | None, str], None]
"""Receives a malformed message's sender, if it could be read, and the reason."""


def _log(client_id: str | None, cause: str) -> None:
    sender = f" from {client_id!r}"[:TEXT_LIMIT] if client_id else ""
    log.error("a malformed message%s on the workers' port was dropped: %s", sender, cause)


def keep_listening(environment: Environment, on_malformed: OnMalformed = _log) -> None:
    """Keep the master of ``environment`` listening after a malformed message; no-op elsewhere.

    Call it before the master's listener has run: where the runner is made, or at Locust's
    ``init``.
    """
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        return
    receive, handle = runner.server.recv_from_client, runner.handle_message

    def guarded_receive() -> tuple[str, Message]:
        try:
            client_id, message = receive()  # type: ignore[no-untyped-call]
        except RPCReceiveError as error:
            on_malformed(error.addr, reason(error.__cause__ or error))
            raise
        except RPCError:
            raise  # the network's fault; Locust binds the port again
        except Exception as error:
            on_malformed(None, reason(error))
            raise RPCReceiveError("malformed message") from error
        message.node_id = client_id  # the name inside the message may be another worker's
        return client_id, message

    def guarded_handle(client_id: str, message: Message) -> None:
        try:
            handle(client_id, message)
        except Exception as error:  # noqa: BLE001 - a stranger's message may raise anything
            on_malformed(client_id, reason(error))

    # replace the methods of Locust's own classes
    vars(runner.server)["recv_from_client"] = guarded_receive
    vars(runner)["handle_message"] = guarded_handle


def reason(error: BaseException) -> str:
    """Return the text of ``error``, short and printable."""
    text = f"{type(error).__name__}: {error}"[:TEXT_LIMIT]
    return "".join(char if char.isprintable() else "?" for char in text)
