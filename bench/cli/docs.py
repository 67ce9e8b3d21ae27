"""``bench docs``: print a reference page, made from the program's own declarations."""

import argparse
import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from textwrap import fill

from bench.analysis.latency import samples_needed
from bench.cli import EPILOG, VERBS
from bench.cli.exits import OK
from bench.cli.plans import vocabulary
from bench.metrics import METRICS, Metric
from bench.metrics.metric import FLOOR, NO_SERVER, Load, Quantile, Reading
from bench.model import CaveatKind
from bench.plan.keys import json_schema, reference
from bench.supervision.progress import Progress

METRICS_PAGE = f"""\
# The metrics

`python -m bench docs metrics.md` prints this page, made from `bench/metrics/registry.py`.
The key names a metric in `summary.json`, in the CSV files and in rules of the gate. The files and
columns that a value is computed from are documented in [results/README.md](../results/README.md).

- **better**: the direction that counts as an improvement.
- **above**: the value of that arm in the same round is subtracted. `{NO_SERVER}` is the floor: the
  idle baseline, measured without a server and without load.
- **per 1,000 reads**: also stated per 1,000 answered reads.
- **compared at**: the load under which arms compare like for like. At a fixed rate all arms answer
  the same reads, at full speed each answers as many as it can.
- **may be 0**: where an arm's interval includes 0, arms are compared by the difference of their
  rounds, not by a ratio.

A value is of one trial; the report states means over rounds, and ratios of paired rounds, with 95%
intervals. A value that was not measured is missing and never 0. Below each table: the files and
columns of each value, and its limits. A run as a whole may carry these caveats:

{fill(", ".join(CaveatKind), 100)}.
"""

VERBS_PAGE = f"""\
# The command line

`python -m bench docs verbs.md` prints this page, made from the argument parsers.
`python -m bench VERB --help` prints the same in the terminal. The targets of `make` call these
verbs; `make help` lists them. Separate programs, each with `--help`: `python -m servers`,
`python -m bench.load worker`, `python -m bench.microbench`, `python -m bench.cluster.binaries.pin`.

```
{EPILOG.rstrip()}
```
"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("page", choices=PAGES, help="a page of docs/")
    parser.set_defaults(command=_docs)


def _docs(options: argparse.Namespace, progress: Progress) -> int:
    del progress
    print(PAGES[options.page](), end="")
    return OK


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield from ("", f"| {' | '.join(header)} |", "|---" * len(header) + "|")
    for row in rows:
        cells = (cell.replace("|", r"\|") for cell in row)
        yield f"| {' | '.join(cells)} |"


def metrics_page() -> str:
    """Return every metric of the registry, as Markdown."""
    lines = [METRICS_PAGE.rstrip()]
    header = (
        "key",
        "metric",
        "unit",
        "better",
        "above",
        "per 1,000 reads",
        "may be 0",
        "compared at",
    )
    for group, members in groupby(METRICS, key=lambda metric: metric.group):
        metrics = list(members)
        lines += ["", f"## {group[0].upper()}{group[1:]}"]
        lines += _table(header, (_metric_row(metric) for metric in metrics))
        lines += ["", *(f"- `{metric.key}`: {'. '.join(_sources(metric))}." for metric in metrics)]
    return "\n".join(lines) + "\n"


def _metric_row(metric: Metric) -> Sequence[str]:
    return (
        f"`{metric.key}`",
        metric.title,
        metric.unit or "none",
        "more" if metric.higher_is_better else "less",
        f"`{metric.floor}`" if metric.floor else "",
        "yes" if metric.per_read else "",
        "yes" if metric.may_be_zero else "",
        "any load" if metric.load is Load.ANY else metric.load,
    )


def _sources(metric: Metric) -> Iterator[str]:
    """Yield the source of a value, and its limits."""
    yield metric.source.removesuffix(FLOOR)
    if isinstance(metric.of, Quantile):
        yield f"Stated from {samples_needed(metric.of.q):,} rows on"
        if not metric.of.times.answered_only:
            yield "A lower bound (>=) where it falls among the unanswered"
    if metric.counter and len(metric.counter.readings) > 1:
        readings = ", else ".join(f"`{_series(reading)}`" for reading in metric.counter.readings)
        yield f"Versions of Kubernetes differ: {readings}"


def _series(reading: Reading) -> str:
    labels = f'{{{reading.label}="{reading.value}"}}' if reading.value else ""
    return " + ".join(f"{name}{labels}" for name in reading.names)


def verbs_page() -> str:
    """Return every verb with its arguments, as Markdown."""
    lines = [VERBS_PAGE.rstrip()]
    for verb, summary in VERBS.items():
        parser = argparse.ArgumentParser(prog=f"python -m bench {verb}", add_help=False)
        importlib.import_module(f"bench.cli.{verb}").register(parser)
        lines += ["", f"## `{verb}`: {summary}"]
        lines += ["", parser.description.strip()] if parser.description else []
        # argparse has no public list of what a parser takes
        positional, options, *titled = parser._action_groups  # noqa: SLF001
        lines += _arguments(parser, [*positional._group_actions, *options._group_actions])  # noqa: SLF001
        for group in titled:
            lines += ["", f"**{group.title}**", "", (group.description or "").strip()]
            lines += _arguments(parser, group._group_actions)  # noqa: SLF001
        lines += ["", "```", parser.epilog.strip(), "```"] if parser.epilog else []
    return "\n".join(lines) + "\n"


def _arguments(
    parser: argparse.ArgumentParser, actions: Sequence[argparse.Action]
) -> Iterator[str]:
    if actions:
        rows = (_argument_row(parser, action) for action in actions)
        yield from _table(("argument", "meaning"), rows)


def _argument_row(parser: argparse.ArgumentParser, action: argparse.Action) -> Sequence[str]:
    choices = f"{{{','.join(action.choices)}}}" if action.choices else action.dest.upper()
    value = action.metavar or choices
    form = {None: "{}", 0: "", "?": "[{}]", "*": "[{} ...]", "+": "{} ..."}[action.nargs]
    written = " ".join([*action.option_strings, form.format(value)]).strip()
    return f"`{written}`", (action.help or "") % {**vars(action), "prog": parser.prog}


PAGES: Mapping[str, Callable[[], str]] = {
    "metrics.md": metrics_page,
    "plan.schema.json": lambda: json.dumps(json_schema(vocabulary()), indent=2) + "\n",
    "plans.md": lambda: reference(vocabulary()),
    "verbs.md": verbs_page,
}
"""The files of docs/ that this verb prints."""
