"""The Locust user: lends Locust's loop and its request event to a load model."""

from typing import ClassVar

from locust import User, task
from locust.env import Environment
from locust.exception import StopUser

from bench.load.client import RequestFailedError
from bench.load.models import ClosedModel, Model, OpenModel, Order


class LoadUser(User):
    """A reader of a server under test.

    The maker of a concrete class gives it an ``order``. A class with a rate needs a
    ``fixed_count`` of 1, since one such user offers all of the rate.
    """

    abstract = True
    order: ClassVar[Order]

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.model: Model | None = None

    def on_start(self) -> None:
        """Make the model, which opens its connections when it needs them."""
        is_open = self.order.rate_rps is not None
        self.model = (OpenModel if is_open else ClosedModel)(self.order, self._report)

    def on_stop(self) -> None:
        """End the requests under way."""
        if self.model is not None:
            self.model.close()

    def wait_time(self) -> float:
        """Return the seconds until the model's next step."""
        return self.model.wait_s() if self.model is not None else 0.0

    @task
    def read(self) -> None:
        """Take a step of the model; stop a user that has no model."""
        if self.model is None:
            raise StopUser
        self.model.step()

    @classmethod
    def reported_as(cls, label: str) -> str:
        """Return the name under which Locust counts requests of ``label``."""
        return label

    def _report(
        self, label: str, elapsed_ms: float, size: int, wrong: RequestFailedError | None
    ) -> None:
        self.environment.events.request.fire(
            request_type="GET",
            name=self.reported_as(label),
            response_time=elapsed_ms,
            response_length=size,
            exception=wrong,
            context={},
        )
