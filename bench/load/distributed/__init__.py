"""One load made by several processes: Locust's master here, its workers here or elsewhere.

The master takes the place of the single load process and asks nothing itself. All travels as
Locust's own messages, so that a worker needs no file of this machine.
"""
