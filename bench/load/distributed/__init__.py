"""One load made by several processes: Locust's master here, its workers here or elsewhere.

The master takes the place of the single load process and speaks the same protocol
with the harness; it asks nothing itself. Orders, clocks, counts and request rows
travel as Locust's own messages, so that a worker needs no file of this machine.
"""
