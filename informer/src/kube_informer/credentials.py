"""Bearer tokens as client-go treats them: trimmed, and refused where no header may carry them."""

from kube_informer.errors import CredentialsError
from kube_informer.redaction import register_secret


def bearer_header(token: str, origin: str) -> str:
    """Return the Authorization header for ``token``; ``origin`` names its field or file.

    White space around the token is dropped. Raise :class:`CredentialsError`, which never
    repeats the token, if it is empty or holds what an HTTP header cannot.
    """
    register_secret(token)
    trimmed = token.strip()
    if not trimmed:
        raise CredentialsError(f"{origin} is empty; log in again, or put a token there")
    if not (trimmed.isascii() and trimmed.isprintable()):
        raise CredentialsError(
            f"{origin} has a line break or a character that is not printable ASCII inside: no "
            "HTTP header can carry it; put the token there on one line"
        )
    return f"Bearer {trimmed}"
