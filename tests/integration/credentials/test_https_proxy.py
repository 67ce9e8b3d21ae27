"""An informer behind an https proxy, whose connections are TLS inside TLS."""

import pytest
import yaml

from kube_informer import PODS, SharedInformer, Transport
from kube_informer.machine import State
from tests.integration.credentials.world import World, connect_proxy
from tests.integration.informer.replica import eventually


def test_an_informer_that_watches_behind_an_https_proxy_can_be_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(world.authority))  # trusts the proxy
    path = world.folder / "config"
    with connect_proxy(world.plane._authority.issue_server("proxy")) as port:
        cluster = world.cluster(**{"proxy-url": f"https://127.0.0.1:{port}"})
        path.write_text(yaml.safe_dump(world.document(world.admin_data(), cluster)))
        transport = Transport.from_kubeconfig(path)
        informer = SharedInformer(transport, PODS)
        informer.start()
        reflector = informer._reflectors[0]
        eventually(lambda: reflector.machine.state is State.WATCHING, "it watches")

        assert informer.stop(10)
        transport.close()
