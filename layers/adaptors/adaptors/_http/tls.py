"""TLS: the certificates of a credential, as PEM, and the SSL context they make."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import certifi
from urllib3.util.ssl_ import create_urllib3_context

from adaptors.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM texts: a client certificate with its key, and a certificate authority.

    `ca` replaces the public authorities. `cert` may contain the whole chain.
    """

    cert: str | None = None
    key: str | None = field(default=None, repr=False)
    ca: str | None = None
    passphrase: str | None = field(default=None, repr=False)


@lru_cache(maxsize=32)
def ssl_context(tls: Tls | None = None) -> ssl.SSLContext:
    """Return the SSL context of a connection; ConfigurationError names an unusable text.

    It is cached, since loading the public authorities takes 20 ms of processor time.
    """
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.check_hostname = True
    if tls is None or tls.ca is None:
        context.load_verify_locations(cafile=certifi.where())
    else:
        _load_authority(context, tls.ca)
    if tls is not None and tls.cert is not None:
        _load_client_certificate(context, tls)
    return context


def _load_authority(context: ssl.SSLContext, authorities: str) -> None:
    try:
        context.load_verify_locations(cadata=authorities)
    except (ssl.SSLError, ValueError):
        raise ConfigurationError("The credential's tls.ca is not a certificate in PEM.") from None


def _load_client_certificate(context: ssl.SSLContext, tls: Tls) -> None:
    # Python loads a certificate and its key from a file only.
    with TemporaryDirectory(prefix="tls-") as folder:
        file = Path(folder) / "client.pem"
        file.touch(0o600)
        file.write_text(f"{tls.cert}\n{tls.key or ''}\n", "utf-8")
        try:
            # With a function, OpenSSL does not ask for a passphrase at the terminal.
            context.load_cert_chain(file, password=lambda: tls.passphrase or "")
        except (ssl.SSLError, ValueError):
            raise ConfigurationError(
                "The credential's tls.cert and tls.key cannot be used. Both must be PEM, the key "
                "must belong to the certificate, and tls.passphrase must open it if it is "
                "encrypted."
            ) from None
