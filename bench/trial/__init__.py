"""One trial: a fresh server, warmed up, drained, measured between two marks, checked, stopped.

Duty: ``runner`` is the procedure, ``idle_wait`` waits for an idle machine before it, ``fault``
puts a fault into the window, ``marks`` takes the drained marks, ``measurements`` collects the
trial's record and tables, and ``record`` computes figures and caveats.

What does not belong here: the list of trials, and where their results go (``bench.run``).
"""
