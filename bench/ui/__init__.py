"""``python -m bench ui``, the harness's side: what is started, and the one who measures it live.

A populated cluster, both servers, and Locust's web page over them. The page asks
over a Unix socket (``service``) and gets what the audit log, the API server's
metrics and the process table say (``observer``); tests that a person runs become
a results folder (``tests``). Locust itself is a process apart (``bench.load.webui``).
"""
