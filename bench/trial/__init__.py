"""One trial: a fresh server, warmed up, drained, measured between two marks, checked, stopped.

``runner`` is the procedure, ``marks`` takes the drained marks, ``record`` turns
what was seen into the trial's record and caveats. Which trials there are, and
where their results go, is the run's matter.
"""
