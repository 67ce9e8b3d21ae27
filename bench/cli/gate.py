"""``bench gate``: check a run against rules, with an exit code for each outcome."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import add_folders, add_language
from bench.cli.exits import USAGE, expected
from bench.cli.load_options import MORE_ROUNDS, LoadOptions, add_load_options
from bench.cli.report import render_report
from bench.load.spec import DistributedLoad
from bench.plan import PlanError
from bench.run.create import resume_run
from bench.run.resume import ResumeError
from bench.store import Store, StoreError
from bench.supervision.progress import Progress

if TYPE_CHECKING:
    from bench.gate.judge import Verdict

EPILOG = """\
outcomes and exit codes:
  PASS          0   the whole interval of every rule is within the margin that it states
  FAIL          10  the whole interval of a rule is beyond its margin, and beyond the noise
  INCONCLUSIVE  11  neither: more rounds would decide (--buy)
  INVALID       12  the figures allow no judgement: wrong or stale answers, failed reads, a
                    control that fired, ledgers that disagree, an incomplete or exploratory run,
                    base or metric missing, unlike environments, too few rounds
  (usage)       2   arguments, rules, or a run that cannot be read
In CI call this command itself: make turns every failure into exit code 2.

examples:
  python -m bench gate latest                              the shipped rules of the plan ci
  python -m bench gate latest --rules pull-request --buy   a run made with --against DIR
  python -m bench gate my-run --rules my-rules.toml --buy  buy rounds until it is decided
  python -m bench gate reports/advise/advice.json --rules budgets.toml   request budgets

It writes gate-<rules>.md, .html and .json beside the run's report.
"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "run", help="name, folder, latest, a summary.json, or the advice.json of an audit log"
    )
    parser.add_argument(
        "--rules",
        default="ci",
        help="rules by name, or a .toml file (default: %(default)s); for an advice.json one with "
        "[[budgets]]",
    )
    parser.add_argument(
        "--unlike-environments",
        action="store_true",
        help="judge even if the run was resumed on another machine or with other software",
    )
    parser.add_argument(
        "--buy",
        action="store_true",
        help="while it is inconclusive, extend the run to the next look of the rules",
    )
    add_load_options(parser, MORE_ROUNDS)
    add_folders(parser)
    add_language(parser)
    parser.set_defaults(command=_gate)


def _gate(options: argparse.Namespace, progress: Progress) -> int:
    # here, because pandas takes a moment that other commands need not wait for
    from bench.analysis.summary_file import SummaryError, load_summary
    from bench.gate.documents import verdict_document, verdict_json
    from bench.gate.judge import judge
    from bench.gate.rules import RulesError, read_rules
    from bench.report.output import publish, write_bytes

    if Path(options.run).name == "advice.json":
        if options.buy or options.unlike_environments or LoadOptions.of(options).given:
            raise PlanError(
                "--buy, --unlike-environments and load options are for a run, and "
                f"{options.run} is the advice on an audit log"
            )
        return _budgets(options, progress)
    store, source = Store(options.results), options.run
    try:
        rules = read_rules(options.rules)
        if not source.endswith(".json"):
            source = str(store.open(source).folder)  # "latest" may be another run later
        run = load_summary(store, source)
    except (RulesError, StoreError, SummaryError) as error:
        progress.say(f"error: {error}")
        return USAGE
    if options.buy and source.endswith(".json"):
        progress.say(f"error: --buy extends a run, and {source} is only its summary")
        return USAGE
    distributed = _distributed(options, store, source)

    def look() -> "Verdict":
        analysis = load_summary(store, source)
        return judge(rules, analysis, unlike_environments=options.unlike_environments)

    def extend(rounds: int) -> None:
        """Extend the run to ``rounds`` rounds, and make its report again."""
        more = resume_run(
            source, store=store, progress=progress, rounds=rounds, distributed=distributed
        )
        try:
            more.execute()
        finally:
            render_report(store, source, options.reports, progress, language=options.lang)

    verdict = judge(rules, run, unlike_environments=options.unlike_environments)
    if options.buy:
        verdict = buy(verdict, look, extend, progress.say)
    folder, name = options.reports / run.run, f"gate-{verdict.rules.name}"
    written = publish(verdict_document(verdict), folder, name, options.lang)
    record = write_bytes(folder / f"{name}.json", verdict_json(verdict))
    progress.say(f"verdict: {', '.join(str(path) for path in (*written, record))}")
    return verdict.outcome.exit_code


def _budgets(options: argparse.Namespace, progress: Progress) -> int:
    """Judge the clients of an audit log."""
    from bench.advise.result import AdviceError, read_advice
    from bench.gate.budgets import (
        budgets_document,
        budgets_json,
        judge_budgets,
        outcome_of,
        read_budgets,
    )
    from bench.gate.rules import RulesError
    from bench.report.output import publish, write_bytes

    try:
        budgets, advice = read_budgets(Path(options.rules)), read_advice(Path(options.run))
    except (RulesError, AdviceError) as error:
        progress.say(f"error: {error}")
        return USAGE
    spent = judge_budgets(budgets, advice)
    folder, name = Path(options.run).parent, f"gate-{budgets.name}"
    document = budgets_document(budgets, spent, advice)
    written = publish(document, folder, name, options.lang)
    record = write_bytes(folder / f"{name}.json", budgets_json(budgets, spent, advice))
    progress.say(f"verdict: {', '.join(str(path) for path in (*written, record))}")
    return outcome_of(spent).exit_code


def _distributed(options: argparse.Namespace, store: Store, run: str) -> DistributedLoad | None:
    """Return the load workers of the rounds that ``run`` may buy; checked before any is bought.

    Raises ``PlanError``, ``ResumeError`` and ``PortTaken``.
    """
    load = LoadOptions.of(options)
    if options.buy:
        return load.distributed(store.open(run).record)
    if load.given:
        raise PlanError("load options need --buy: without it there is no load")
    return None


def buy(
    verdict: "Verdict",
    look: Callable[[], "Verdict"],
    extend: Callable[[int], None],
    say: Callable[[str], None],
) -> "Verdict":
    """Extend the run look by look until it is decided, or the rules buy no more.

    An error that ends an extension early is printed, and the run judged as it is: finished
    trials stay, and an incomplete run is INVALID.
    """
    bought: set[int] = set()
    reported: tuple[type[Exception], ...] = (PlanError, ResumeError, *expected())
    while (rounds := verdict.buys) is not None and rounds not in bought:
        say(f"{verdict.outcome} after {verdict.rounds} rounds: extending to {rounds}")
        bought.add(rounds)
        try:
            extend(rounds)
        except reported as error:
            say(f"could not be extended: {error}")
            return look()
        verdict = look()
    return verdict
