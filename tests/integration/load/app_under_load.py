"""WSGI application that behaves as last ordered at ``/behave?JSON``; run by gunicorn.

``delay_s`` of each request; ``stall``: ``[n, seconds]``, the n-th request holds up all
others; ``status``; ``body``; ``die_after`` requests; ``hang_up``: without an answer, on every
n-th request. ``/count`` returns the number of requests since then, ``/addresses`` the address
of each. A sleeping request wakes at the next order.
"""

import json
import os
import signal
import socket
import threading
from contextlib import nullcontext
from urllib.parse import unquote

COUNTING = threading.Lock()


class Episode:
    """A behaviour, and the requests since it began."""

    def __init__(self, behaviour):
        self.behaviour = behaviour
        self.one_by_one = threading.Lock()
        self.over = threading.Event()
        self.addresses = []


EPISODE = [Episode({})]


def pod(namespace, name):
    return {"metadata": {"namespace": namespace, "name": name, "labels": {"app": name[0]}}}


PODS = [pod(f"ns-{number % 3}", f"{'web'[number % 3]}-{number}") for number in range(30)]


def result_of(path):
    parts = path.strip("/").split("/")
    if len(parts) == 3:
        return pod(parts[1], parts[2])
    if len(parts) == 2:
        return [entry for entry in PODS if entry["metadata"]["namespace"] == parts[1]]
    return PODS


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/behave":
        EPISODE[0].over.set()
        EPISODE[0] = Episode(json.loads(unquote(environ["QUERY_STRING"])))
    episode = EPISODE[0]
    behaviour = episode.behaviour
    if path in ("/behave", "/count"):
        return answer(start_response, "200 OK", str(len(episode.addresses)).encode())
    if path == "/addresses":
        return answer(start_response, "200 OK", json.dumps(episode.addresses).encode())
    with COUNTING:
        episode.addresses.append(environ["REMOTE_ADDR"])
        number = len(episode.addresses)
    if number > behaviour.get("die_after", number):
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(1)
    if number % behaviour.get("hang_up", number + 1) == 0:
        environ["gunicorn.socket"].shutdown(socket.SHUT_RDWR)
    stalled, stall_s = behaviour.get("stall", (0, 0.0))
    with episode.one_by_one if stalled else nullcontext():
        episode.over.wait(stall_s if number == stalled else behaviour.get("delay_s", 0.0))
    body = {"code": 200, "message": "pong", "result": result_of(path)}
    content = behaviour.get("body", json.dumps(body)).encode()
    return answer(start_response, behaviour.get("status", "200 OK"), content)


def answer(start_response, status, content):
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    start_response(status, headers)
    return [content]
