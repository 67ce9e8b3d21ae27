"""The API server to read from: binaries, certificates, processes, population, churn.

What does not belong here: servers under test, load, and results.
"""
