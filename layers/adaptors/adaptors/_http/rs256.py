"""JSON Web Tokens signed with RS256 (RFC 7519), as service accounts send them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adaptors.errors import ConfigurationError

if TYPE_CHECKING:
    from rsa import PrivateKey

_PKCS1, _PKCS8 = "RSA PRIVATE KEY", "PRIVATE KEY"
_FIX = (
    "It is the PEM text of an RSA key without a passphrase, which begins with -----BEGIN PRIVATE "
    "KEY----- or -----BEGIN RSA PRIVATE KEY-----."
)


def sign(claims: Mapping[str, Any], private_key: str, key_id: str | None = None) -> str:
    """Return a signed token with these claims.

    Raises ConfigurationError if the key is not the PEM text of an RSA key.
    """
    # Only jobs with a service account need the library.
    import rsa  # noqa: PLC0415

    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": key_id} if key_id else {})
    content = f"{_encode_json(header)}.{_encode_json(claims)}"
    try:
        signature = rsa.sign(content.encode(), load_key(private_key), "SHA-256")
    except OverflowError:
        raise ConfigurationError("private_key is too short. Use a key of 2048 bits.") from None
    return f"{content}.{_encode(signature)}"


def load_key(text: str) -> PrivateKey:
    """Return the RSA key of a PEM text, in either of its two formats."""
    from pyasn1.codec.der import decoder  # noqa: PLC0415
    from pyasn1.error import PyAsn1Error  # noqa: PLC0415
    from rsa import PrivateKey  # noqa: PLC0415
    from rsa.pem import load_pem  # noqa: PLC0415

    # A key that was copied out of a JSON file has \n for the ends of its lines.
    content = text.replace("\\n", "\n").encode("utf-8", "replace")
    try:
        if f"-----BEGIN {_PKCS8}-----".encode() in content:
            der = decoder.decode(load_pem(content, _PKCS8))[0][2].asOctets()
        else:
            der = load_pem(content, _PKCS1)
        return PrivateKey.load_pkcs1(der, "DER")
    except (ValueError, TypeError, IndexError, AttributeError, AssertionError, PyAsn1Error):
        raise ConfigurationError(f"private_key cannot be read. {_FIX}") from None


def _encode_json(content: Mapping[str, Any]) -> str:
    return _encode(json.dumps(content, separators=(",", ":")).encode())


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
