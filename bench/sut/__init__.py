"""System under test: start a server, reach it, and check what it answers.

Duty: which servers there are (``registry``), how one is started and when it is ready
(``launch``), one running server (``server``) or several (``replicas``), a client
of its routes (``client``), and the proof that all give the same answers (``equivalence``).

What does not belong here: load (``bench.load``), measuring (``bench.probes``), and the code of
the servers themselves (``servers``), which is never imported.
"""
