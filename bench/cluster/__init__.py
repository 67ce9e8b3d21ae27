"""The API server to read from: binaries, certificates, processes, population, churn.

It knows nothing of servers under test, of load, or of results.

"""
