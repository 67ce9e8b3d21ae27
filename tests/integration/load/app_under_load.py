"""A WSGI application that behaves as ``APP_BEHAVIOUR`` (JSON) says; run by gunicorn.

``delay_s`` of each request; ``serial``: one at a time; ``stall``: ``[n, seconds]``,
the n-th request holds up all others; ``status``; ``body``; ``die_after`` requests;
``pods`` in a list. ``/count`` tells how many requests came before,
``/addresses`` from where each came.
"""

import json
import os
import signal
import threading
import time
from contextlib import nullcontext

BEHAVIOUR = json.loads(os.environ.get("APP_BEHAVIOUR", "{}"))
SERIAL = threading.Lock()
COUNTING = threading.Lock()
SEEN = [0]
ADDRESSES = []


def pod(namespace, name):
    return {"metadata": {"namespace": namespace, "name": name, "labels": {"app": name[0]}}}


PODS = [
    pod(f"ns-{number % 3}", f"{'web'[number % 3]}-{number}")
    for number in range(BEHAVIOUR.get("pods", 30))
]


def count(address):
    with COUNTING:
        SEEN[0] += 1
        ADDRESSES.append(address)
        return SEEN[0]


def result_of(path):
    parts = path.strip("/").split("/")
    if len(parts) == 3:
        return pod(parts[1], parts[2])
    if len(parts) == 2:
        return [each for each in PODS if each["metadata"]["namespace"] == parts[1]]
    return PODS


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/count":
        return answer(start_response, "200 OK", str(SEEN[0]).encode())
    if path == "/addresses":
        return answer(start_response, "200 OK", json.dumps(ADDRESSES).encode())
    number = count(environ["REMOTE_ADDR"])
    if number > BEHAVIOUR.get("die_after", number):
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(1)
    stalled, stall_s = BEHAVIOUR.get("stall", (0, 0.0))
    with SERIAL if stalled or BEHAVIOUR.get("serial") else nullcontext():
        time.sleep(stall_s if number == stalled else BEHAVIOUR.get("delay_s", 0.0))
    body = {"code": 200, "message": "pong", "result": result_of(path)}
    content = BEHAVIOUR.get("body", json.dumps(body)).encode()
    return answer(start_response, BEHAVIOUR.get("status", "200 OK"), content)


def answer(start_response, status, content):
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    start_response(status, headers)
    return [content]
