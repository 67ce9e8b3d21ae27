"""Processes of our own: started, watched, stopped, and never left behind.

Duty: start a process in a group of its own, wait until it is ready or dead, stop
the whole group (``process``), see to it that groups and temporary folders go
when the harness goes, however it goes (``watchdog``), hold one still for some
seconds (``freezer``), call one over its standard streams (``rpc``), turn signals
into an orderly unwinding (``signals``), and show progress meanwhile (``progress``). Waits
are bounded (``waiting``).

What does not belong here: what the processes are for. The cluster, the servers under
test and the load each bring their own command line and their own idea of "ready".
Nothing is imported at this level, so that the guardian process starts light.
"""
