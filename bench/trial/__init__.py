"""One trial: a fresh server, warmed up, drained, measured between two marks, checked, stopped.

Duty: ``runner`` is the procedure, ``idle_wait`` waits for an idle machine before it, ``fault``
puts a fault into the window, ``marks`` takes the drained marks, ``measurements`` collects what
the trial leaves, and ``record`` turns it into figures and caveats.

What does not belong here: which trials there are and where their results go (``bench.run``).
"""
