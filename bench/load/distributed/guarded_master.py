"""Locust's master runner with a door: nobody is one of its workers before being let in.

Locust gives users to whoever says that it is ready, and spreads them anew when one
more comes in the middle of a test. Here a worker is told that it was heard, and waits.
"""

from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_MISSING, MasterRunner

READY = "client_ready"
OUTSIDE = {"index": -1}
"""Acknowledges a worker that has no place yet."""


class GuardedMaster(MasterRunner):
    """A master runner whose workers are those that ``admit`` was called for."""

    def __init__(self, environment: Environment, host: str, port: int) -> None:
        self._outside: dict[str, Message] = {}
        super().__init__(environment, host, port)

    def handle_message(self, client_id: str, msg: Message) -> None:
        """Keep whoever reports as ready outside; handle everything else as Locust does."""
        if msg.type == READY and client_id not in self.clients:
            self._outside[client_id] = msg
            self.send_message("ack", data=OUTSIDE, client_id=client_id)
            return
        super().handle_message(client_id, msg)

    def admit(self, client_id: str) -> None:
        """Make a worker that waits one of Locust's."""
        super().handle_message(client_id, self._outside.pop(client_id))

    def has(self, client_id: str) -> bool:
        """Whether that worker is here and was heard in the last seconds, as Locust sees it."""
        return client_id in self.clients and self.clients[client_id].state != STATE_MISSING
