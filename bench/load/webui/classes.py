"""Classes for the lists of Locust's form: users of each server and route, and load shapes."""

from collections.abc import Callable

from locust import LoadTestShape

from bench.load.manual_users import ManualUser, user_class
from bench.load.phases import Phase
from bench.load.recorder import Recorder
from bench.load.routes import names

SERVERS = ("informer", "direct")
_WEIGHTS = {"list-all": 10}
"""With every class chosen, the first users of a test ask each server the same question."""

RAMP_S = 120
STEP_S = 30
STEPS = 5
MOST_USERS = 50
"""Used when the form has no number of users (it hides the field for a shape)."""

Tick = Callable[[float, int], tuple[int, float] | None]
"""From seconds passed and the most users to users and spawn rate; ``None`` ends the test."""


class Reader(ManualUser):
    """Reads one route of one server; each request is reported under the server's name."""

    abstract = True

    @classmethod
    def new_phase(cls) -> Phase:
        """Return a phase whose requests become rows."""
        return Phase("by-hand", recorder=Recorder(cls.order.questions[0].labels))

    @classmethod
    def reported_as(cls, label: str) -> str:
        """Return the name of the row in Locust's statistics."""
        return f"{cls.server} {label}"


def reader_classes(module: str) -> dict[str, type[Reader]]:
    """Return the classes as members of ``module``, by the names that the class picker shows."""
    classes = {}
    for server in SERVERS:
        for route in names():
            name = f"{server}: {route.replace('-', ' ')}"
            more = {"server": server, "weight": _WEIGHTS.get(route, 1)}
            classes[name] = user_class(Reader, name, route, module, **more)
    return classes


def _ramp(ran_s: float, most: int) -> tuple[int, float] | None:
    """From one user to the form's number over two minutes, then stop."""
    if ran_s >= RAMP_S:
        return None
    return max(1, round(most * ran_s / RAMP_S)), max(1.0, most / RAMP_S)


def _steps(ran_s: float, most: int) -> tuple[int, float] | None:
    """Five equal steps of half a minute, up to the form's number of users, then stop."""
    step = int(ran_s // STEP_S) + 1
    return None if step > STEPS else (max(1, most * step // STEPS), float(most))


def shapes(module: str) -> dict[str, type[LoadTestShape]]:
    """Return the shapes under the names that the form's select shows, members of ``module``."""
    kinds = {f"ramp ({RAMP_S // 60} min)": _ramp, f"steps ({STEPS} of {STEP_S} s)": _steps}
    return {name: _shape(name, tick, module) for name, tick in kinds.items()}


def _shape(name: str, users_at: Tick, module: str) -> type[LoadTestShape]:
    def tick(shape: LoadTestShape) -> tuple[int, float] | None:
        options = shape.runner.environment.parsed_options if shape.runner else None
        ran_s = float(shape.get_run_time())  # type: ignore[no-untyped-call]
        return users_at(ran_s, (options.num_users if options else None) or MOST_USERS)

    content = {"tick": tick, "use_common_options": True, "__module__": module}
    return type(name, (LoadTestShape,), {**content, "__doc__": users_at.__doc__})
