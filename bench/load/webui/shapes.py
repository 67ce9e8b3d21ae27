"""Load that changes by itself: a ramp and a step load, chosen in the form's shape select."""

from locust import LoadTestShape

RAMP_S = 120
STEP_S = 30
STEPS = 5
MOST_USERS = 50
"""When the form names no number of users (it hides the field for a shape)."""


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


def named(module: str) -> dict[str, type[LoadTestShape]]:
    """Return the shapes under the names that the form's select shows, members of ``module``."""
    shapes = {f"ramp ({RAMP_S // 60} min)": Ramp, f"steps ({STEPS} of {STEP_S} s)": StepLoad}
    return {
        name: type(name, (shape,), {"__module__": module, "__doc__": shape.__doc__})
        for name, shape in shapes.items()
    }
