"""Processes of the harness: start, watch and stop them, and leave none behind.

Duty: start a process in its own group, wait until it is ready or dead, stop the whole
group (``process``), remove groups and temporary folders when the harness ends in any
way (``watchdog``), freeze a process for some seconds (``freezer``), call one over its
standard streams (``rpc``), turn signals into an orderly unwinding (``signals``), and
show progress (``progress``). Waits are bounded (``waiting``).

What does not belong here: the purpose of the processes. The cluster, the servers under
test and the load each bring their own command line and their own idea of "ready".
This module imports nothing, so that the guardian process starts fast.
"""
