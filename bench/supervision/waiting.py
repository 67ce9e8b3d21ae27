"""Wait, within a bound, until a condition holds."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], timeout_s: float, every_s: float) -> bool:
    """Call ``holds`` every ``every_s`` until it is true; return whether it was in ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True
