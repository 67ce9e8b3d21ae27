"""``direct-gzip``: requests compressed lists, as Go's clients do by default, and unpacks them.

The API server compresses answers larger than 128 KB (k8s.io/apiserver,
pkg/endpoints/handlers/responsewriters). Far fewer bytes go over the wire; the API server pays
for packing, this server for unpacking.
"""

from functools import partial

from servers.direct import over_api_server
from servers.server import Server

SERVER = Server(
    "direct",
    "asks the API server on every request, for compressed lists",
    partial(over_api_server, gzip=True),
)
