"""Signed cursors as text: what leaves in an answer comes back unchanged, or is refused."""

import base64
import binascii
import hmac
from functools import cache
from hashlib import blake2b

from reco.errors import InvalidInput

_SIGNATURE_BYTES = 16


def sealed(body: bytes, purpose: str, secret: str) -> str:
    """Return `body` and a signature over it as base64url, good for `purpose` alone.

    >>> unsealed(sealed(b"page 2", "feed", "secret"), "feed", "secret")
    b'page 2'
    """
    signed = body + _signature(body, purpose, secret)
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def unsealed(cursor: str, purpose: str, secret: str) -> bytes:
    """Return the body of a cursor that was sealed here for `purpose`.

    Raises
    ------
    InvalidInput
        It was not, or was changed.
    """
    try:
        signed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _foreign() from error
    body, signature = signed[:-_SIGNATURE_BYTES], signed[-_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(body, purpose, secret)):
        raise _foreign()
    return body


def _signature(body: bytes, purpose: str, secret: str) -> bytes:
    # The purpose ends before the body begins: no other pair of them reads the same.
    message = f"reco cursor {purpose}\0".encode() + body
    return blake2b(message, digest_size=_SIGNATURE_BYTES, key=_key(secret)).digest()


@cache
def _key(secret: str) -> bytes:
    """Return a key that is as long as a key may be, however long the secret is."""
    return blake2b(secret.encode()).digest()


def _foreign() -> InvalidInput:
    return InvalidInput("cursor", "it was not made by this service for this path, or was changed")
