"""The API server under load: binaries, certificates, processes, population, churn.

What does not belong here: servers under test, load, and results.
"""
