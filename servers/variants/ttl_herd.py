"""``ttl-herd``: like ``ttl``, but every request that finds no cached answer asks the API server."""

from functools import partial

from servers.server import Server
from servers.variants.ttl import TTL, over_kept_answers

SERVER = Server(
    "direct",
    f"keeps an answer for {TTL.default:g} s; every request that finds it expired fetches it",
    partial(over_kept_answers, single_flight=False),
    options=(TTL,),
)
