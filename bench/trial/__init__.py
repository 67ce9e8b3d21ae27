"""One trial: a fresh server, warmed up, drained, measured between two marks, checked, stopped.

``runner`` is the procedure, ``marks`` takes the drained marks, ``measurements`` takes in what
a trial leaves, and ``record`` turns what was seen into figures and caveats. Which trials there
are, and where their results go, is the run's matter.
"""
