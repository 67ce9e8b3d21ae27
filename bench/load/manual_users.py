"""Locust users of a manual test: a class per route, an order made when a test starts."""

import logging
from argparse import Namespace
from itertools import count

import gevent
from locust.env import Environment

from bench.load.client import Questions
from bench.load.connection import Address
from bench.load.models import Order
from bench.load.phases import Phase, PhaseSwitch
from bench.load.routes import Ask, Route
from bench.load.user import LoadUser
from bench.model import Arrivals

_USERS_APART = 1_000_000
"""Numbers kept for the users of one worker, so that no two users anywhere draw alike."""

log = logging.getLogger(__name__)


class ManualUser(LoadUser):
    """A user class for one route; its order is made when a test starts."""

    abstract = True
    route: Route
    trouble = True
    """Whether the class could not be given an order; the reason was told once."""

    @classmethod
    def new_phase(cls) -> Phase:
        """Return the phase of a test that begins now and ends when a person wants it to."""
        return Phase("by-hand")

    def on_start(self) -> None:
        """Begin, if there is an order; a user without a model stops at its first step."""
        if self.trouble:
            return
        if self.order.switch.phase is None:
            self.order.switch.begin(self.new_phase())  # arrivals count from the first user's start
        super().on_start()


def prepare(classes: list[type[ManualUser]], options: Namespace) -> None:
    """Make ``classes`` ready for orders: with a rate, one user holds all of it."""
    for each in classes:
        each.fixed_count = 1 if options.rate > 0 else 0
        each.trouble = True  # until it has its order


def make_order(
    asks: tuple[Ask, ...], options: Namespace, address: Address, environment: Environment
) -> Order:
    """Return the order that the form's or the command line's arguments give."""
    return Order(
        questions=(Questions(asks, address),),
        switch=PhaseSwitch(),
        seed=options.seed,
        timeout_s=options.timeout_s,
        rate_rps=options.rate if options.rate > 0 else None,
        arrivals=Arrivals(options.arrivals),
        outstanding=options.outstanding,
        numbers=count(_USERS_APART * getattr(environment.runner, "worker_index", 0)),
    )


def give_up(environment: Environment, error: Exception) -> None:
    """Say what is wrong where a person looks: the log, and the page's list of exceptions."""
    log.error("%s", error)
    environment.events.user_error.fire(  # type: ignore[no-untyped-call]
        user_instance=None, exception=error, tb=None
    )
    if environment.web_ui is None and environment.runner is not None:
        environment.process_exit_code = 1
        gevent.spawn(environment.runner.quit)  # once it has started, which cannot be called off
