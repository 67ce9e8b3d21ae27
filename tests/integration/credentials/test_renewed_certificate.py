"""A client certificate in files, which are renewed while a client uses them."""

from pathlib import Path

import pytest
import yaml

from bench.cluster.api import Api
from bench.cluster.certificates import KeyPair
from kube_informer import ClientCertificate, ClientConfig
from tests.integration.credentials.test_forms import ASKED, REVIEW
from tests.integration.credentials.world import World


@pytest.fixture
def files(world: World) -> KeyPair:
    """The files that the user of the kubeconfig ``config`` names; not there yet."""
    user = {"client-certificate": "me.crt", "client-key": "me.key"}
    (world.folder / "config").write_text(yaml.safe_dump(world.document(user)))
    return KeyPair(world.folder / "me.crt", world.folder / "me.key")


def replace(target: Path, source: Path) -> None:
    fresh = target.with_name("fresh")
    fresh.write_bytes(source.read_bytes())
    fresh.replace(target)


def test_a_renewed_certificate_is_used_from_the_next_request_on(
    world: World, files: KeyPair
) -> None:
    first, second = (world.plane._authority.issue_client(name, "g") for name in ("anna", "berta"))
    replace(files.certificate, first.certificate)
    replace(files.key, first.key)
    api = Api(ClientConfig.load(world.folder / "config"))

    def user() -> str:
        return api.post(REVIEW, ASKED)["status"]["userInfo"]["username"]

    assert "anna" == user()
    replace(files.certificate, second.certificate)
    assert "anna" == user()  # its key is not there yet
    replace(files.key, second.key)
    assert "berta" == user()
    api.close()


def test_a_rejected_certificate_is_read_again_and_its_connections_are_dropped(
    world: World, files: KeyPair
) -> None:
    pair = world.plane._authority.issue_client("anna", "g")
    replace(files.certificate, pair.certificate)
    replace(files.key, pair.key)
    config = ClientConfig.load(world.folder / "config")
    renewed: list[ClientCertificate] = []
    config.tls()
    config.credentials.on_renewal(renewed.append)

    config.credentials.headers()
    assert [] == renewed
    config.credentials.reject()
    config.credentials.headers()
    assert [files.read()] == renewed
