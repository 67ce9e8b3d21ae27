"""From the tables of a run to summaries, comparisons and caveats, with pandas.

``analyse(reader)`` is the one door; it computes everything. No plotting and no
network: a results folder is all it needs. What it returns:

- ``RunAnalysis.scenarios``: one ``ScenarioAnalysis`` each, with
  ``arms`` (the servers, and ``none`` last: figures by ``Metric.key``, per second
  and per 1,000 reads; pooled percentiles; ``freshness``; ``bystander``),
  ``comparisons`` (the subject against every other server, paired by round) and
  ``controls`` (a server measured twice; never among ``arms``);
- ``RunAnalysis.faults``: the scenarios in which the API server was made to fail, never among
  ``scenarios``, nor their trials among ``facts``;
- ``RunAnalysis.controls``: the controls of all scenarios. ``fired`` means that a
  server differed from itself;
- ``RunAnalysis.caveats``, and ``voids``, those to be said before any figure.

A figure that cannot be stated has ``interval`` ``None`` and a ``missing`` that says
why; it is never 0 instead.

The files, from the tables upwards:

- ``counters`` (differences of scrapes), ``exposed`` (counters under each version's
  names), ``requests`` and ``ledgers`` (three ways of counting), ``latency``,
  ``freshness``: what one table says;
- ``facts``: one trial, all its tables; ``metric``, ``reads``, ``costs``, ``observed``,
  ``metrics``: what is computed from one trial;
- ``intervals``, ``spread``: statistics, knowing nothing of Kubernetes;
- ``summary`` (arms), ``compare``, ``controls``, ``scenario``, ``caveats``, ``run``;
- ``faulttrial`` (one trial with a fault) and ``faults`` (over rounds).
"""

from bench.analysis.run import RunAnalysis, ScenarioAnalysis, analyse

__all__ = ["RunAnalysis", "ScenarioAnalysis", "analyse"]
