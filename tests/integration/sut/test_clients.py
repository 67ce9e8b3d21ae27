"""A client as a process: ready by its URL, which gets no other requests."""

from pathlib import Path

import yaml

from bench.cluster.identities import write_kubeconfig
from bench.model import Client
from bench.supervision.ports import usable_port
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.registry import ServerKind
from bench.sut.replicas import Replicas


def test_a_client_that_is_ready_by_its_url_has_no_address_for_anybody_else(
    tmp_path: Path, watchdog: Watchdog
) -> None:
    port = usable_port()
    url = f"http://127.0.0.1:{port}/"
    client = Client("mine", f'exec "$PYTHON" -m http.server --bind 127.0.0.1 {port}', ready_url=url)
    kind, kubeconfig = ServerKind.of(client), tmp_path / "kubeconfig"
    (tmp_path / kind.identity).write_text("a-token")
    write_kubeconfig(kubeconfig, {"server": "https://nowhere"}, None, [tmp_path / kind.identity])
    spec = ServerSpec(kind=kind, kubeconfig=kubeconfig, log=tmp_path / "client.log")
    with Replicas.start(spec, 1, watchdog) as started:
        assert started.ready_s is not None
        assert ("",) == started.urls
    (context,) = yaml.safe_load(Path(f"{kubeconfig}-{kind.identity}").read_text())["contexts"]
    assert kind.identity == context["name"]
