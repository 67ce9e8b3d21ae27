"""Whether two runs were made on the like of machine, with the like of software."""

from dataclasses import dataclass

from bench.forms.summary import RunSummary
from bench.model import Environment

MEMORY_ALIKE = 0.05
"""Share by which memory may differ: kernels of one size of machine reserve unlike amounts."""


@dataclass(frozen=True, slots=True)
class Unlike:
    """One thing that differs: its name, and how it was in each run."""

    what: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.what}: {self.first} and {self.second}"


def unlike(first: RunSummary, second: RunSummary) -> tuple[Unlike, ...]:
    """Return what differs between the runs' environments that figures depend on.

    Not the commit, for that is what two runs are compared for, and not the load
    before the start, which is a caveat of each run's own.
    """
    one, other = first.environment, second.environment
    found = [
        Unlike(name, str(getattr(one, field)), str(getattr(other, field)))
        for field, name in FIELDS.items()
        if getattr(one, field) != getattr(other, field)
    ]
    if abs(one.memory_bytes - other.memory_bytes) > MEMORY_ALIKE * one.memory_bytes:
        gigabytes = [f"{size / 1e9:.1f} GB" for size in (one.memory_bytes, other.memory_bytes)]
        found.append(Unlike("memory", *gigabytes))
    if first.load_workers != second.load_workers:
        makers = str(first.load_workers), str(second.load_workers)
        found.append(Unlike("load made by", *makers))
    found += _packages(one, other)
    found += _defaults(one, other)
    return tuple(found)


FIELDS = {
    "kubernetes": "Kubernetes",
    "etcd": "etcd",
    "binaries": "origin of the binaries",
    "cluster": "existing cluster",
    "python": "Python",
    "kernel": "kernel",
    "machine": "architecture",
    "processor": "processor",
    "processors": "processors",
}


def _packages(one: Environment, other: Environment) -> list[Unlike]:
    names = sorted(one.packages.keys() | other.packages.keys())
    pairs = [(name, one.packages.get(name, "-"), other.packages.get(name, "-")) for name in names]
    return [Unlike(name, was, now) for name, was, now in pairs if was != now]


def _defaults(one: Environment, other: Environment) -> list[Unlike]:
    sides = []
    for own, others in (
        (one.changed_defaults, other.changed_defaults),
        (other.changed_defaults, one.changed_defaults),
    ):
        sides.append("; ".join(item for item in own if item not in others) or "nothing more")
    return [Unlike("changed defaults", *sides)] if sides[0] != sides[1] else []
