"""Certificates and keys of a throwaway control plane.

Each control plane has one authority, which exists only in its temporary folder. The API
server reads an identity from a client certificate: the common name is the user, the
organization is a group.

The libraries that make certificates are imported in the functions that need them: child
processes of the harness only read and write pairs, and so start a fifth sooner.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from kube_informer import ClientCertificate

VALID_FOR = dt.timedelta(days=30)
HOME = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Paths of a PEM certificate and of its private key."""

    certificate: Path
    key: Path

    def read(self) -> ClientCertificate:
        """Return both as PEM."""
        return ClientCertificate(self.certificate.read_bytes(), self.key.read_bytes())

    def delete(self) -> None:
        """Remove both files, so that the pair cannot be used again."""
        self.certificate.unlink()
        self.key.unlink()


class Authority:
    """A certificate authority whose key never leaves this process."""

    def __init__(self, folder: Path) -> None:
        import trustme

        self._folder = folder
        self._authority = trustme.CA(organization_name="informer-bench")
        self.certificate = folder / "ca.crt"
        self._authority.cert_pem.write_to_path(self.certificate)

    def issue_server(self, name: str) -> KeyPair:
        """Issue a serving certificate for 127.0.0.1 and localhost."""
        return self._issue(name, (*HOME, "kubernetes.default.svc"), None)

    def issue_client(self, user: str, group: str) -> KeyPair:
        """Issue a client certificate that the API server reads as ``user`` in ``group``."""
        return self._issue(user, HOME, group)  # host names are required here, and never read

    def _issue(self, name: str, names: tuple[str, ...], group: str | None) -> KeyPair:
        not_after = dt.datetime.now(dt.UTC) + VALID_FOR
        issued = self._authority.issue_cert(
            *names, common_name=name, organization_name=group, not_after=not_after
        )
        pair = KeyPair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(pair.certificate)
        write_private(pair.key, issued.private_key_pem.bytes())
        return pair


def write_signing_key(path: Path) -> None:
    """Write the RSA key that signs service-account tokens."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_private(path, pem)


def write_private(path: Path, content: bytes) -> None:
    """Write a file readable by this user only, atomically: the present one may be being read."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(path)
