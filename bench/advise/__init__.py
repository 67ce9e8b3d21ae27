"""Who asks an API server for what, out of its audit log, and what an informer would save. Pure.

From files alone: lines (``sources``) of whatever provider (``formats``) become columns and groups
(``groups``), groups become clients with a verdict (``verdicts``), and unit costs that a run of this
project measured give them a price (``prices``). ``document`` says it for every renderer. A request
to a cluster does not belong here, nor does a list of every request: memory does not grow with the
log.
"""
