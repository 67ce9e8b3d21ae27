"""Named for the form's lists: user classes, of each server and route, and load that changes."""

from locust import LoadTestShape

from bench.load.manual_users import ManualUser
from bench.load.phases import Phase
from bench.load.recorder import Recorder
from bench.load.routes import Route, load, names

SERVERS = ("informer", "direct")
_WEIGHTS = {"list-all": 10}
"""The first users of a start with every class chosen: the same question for each server."""

RAMP_S = 120
STEP_S = 30
STEPS = 5
MOST_USERS = 50
"""When the form names no number of users (it hides the field for a shape)."""


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


def class_name(server: str, route: str) -> str:
    """Return what the class picker shows, such as ``informer: list all``."""
    return f"{server}: {route.replace('-', ' ')}"


def reader_classes(module: str) -> dict[str, type[Reader]]:
    """Return the classes by name, as members of ``module``, where Locust looks for them."""
    made = {}
    for server in SERVERS:
        for route in names():
            made[class_name(server, route)] = _reader(server, load(route), module)
    return made


def _reader(server: str, route: Route, module: str) -> type[Reader]:
    content = {"server": server, "route": route, "abstract": False, "__module__": module}
    content |= {"weight": _WEIGHTS.get(route.name, 1), "__doc__": route.description}
    return type(class_name(server, route.name), (Reader,), content)


class Ramp(LoadTestShape):
    """From one user to the form's number over two minutes, then stop."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        """Return users and spawn rate, or ``None`` when it is over."""
        ran_s = _ran_s(self)
        if ran_s >= RAMP_S:
            return None
        most = _most_users(self)
        return max(1, round(most * ran_s / RAMP_S)), max(1.0, most / RAMP_S)


class StepLoad(LoadTestShape):
    """Five equal steps of half a minute, up to the form's number of users, then stop."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        """Return users and spawn rate, or ``None`` when it is over."""
        step = int(_ran_s(self) // STEP_S) + 1
        if step > STEPS:
            return None
        most = _most_users(self)
        return max(1, most * step // STEPS), float(most)


def _ran_s(shape: LoadTestShape) -> float:
    return float(shape.get_run_time())  # type: ignore[no-untyped-call]


def _most_users(shape: LoadTestShape) -> int:
    options = shape.runner.environment.parsed_options if shape.runner else None
    return (options.num_users if options else None) or MOST_USERS


def shapes(module: str) -> dict[str, type[LoadTestShape]]:
    """Return the shapes under the names that the form's select shows, members of ``module``."""
    kinds = {f"ramp ({RAMP_S // 60} min)": Ramp, f"steps ({STEPS} of {STEP_S} s)": StepLoad}
    return {
        name: type(name, (shape,), {"__module__": module, "__doc__": shape.__doc__})
        for name, shape in kinds.items()
    }
