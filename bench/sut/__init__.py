"""System under test: start a server, send it requests, check its answers.

Duty: the available servers (``registry``), start and readiness of one (``launch``), one
running server (``server``) or several (``replicas``), a client of its routes (``client``),
and the check that all give the same answers (``equivalence``).

What does not belong here: load (``bench.load``), measuring (``bench.probes``), and the code of
the servers themselves (``servers``), which is never imported.
"""
