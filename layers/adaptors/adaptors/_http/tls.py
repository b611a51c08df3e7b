"""Who a destination is, and who we are to it: certificates as a credential holds them, as PEM."""

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
    """The PEM texts of a credential: a client's certificate with its key, an authority of its own.

    `ca` takes the place of the public authorities, and `cert` may hold its whole chain.
    """

    cert: str | None = None
    key: str | None = field(default=None, repr=False)
    ca: str | None = None
    passphrase: str | None = field(default=None, repr=False)


@lru_cache(maxsize=32)
def ssl_context(tls: Tls | None = None) -> ssl.SSLContext:
    """Give what connections are made with; `ConfigurationError` names the text that is unusable.

    Reading the public authorities costs 20 ms of processor time, so it is done once.
    """
    made = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    made.check_hostname = True
    if tls is None or tls.ca is None:
        made.load_verify_locations(cafile=certifi.where())
    else:
        _trust(made, tls.ca)
    if tls is not None and tls.cert is not None:
        _identify(made, tls)
    return made


def _trust(made: ssl.SSLContext, authorities: str) -> None:
    try:
        made.load_verify_locations(cadata=authorities)
    except (ssl.SSLError, ValueError):
        raise ConfigurationError("the credential's tls.ca is no certificate in PEM") from None


def _identify(made: ssl.SSLContext, tls: Tls) -> None:
    # Python reads a certificate and its key from a file only.
    with TemporaryDirectory(prefix="tls-") as folder:
        file = Path(folder) / "client.pem"
        file.touch(0o600)
        file.write_text(f"{tls.cert}\n{tls.key or ''}\n", "utf-8")
        try:
            # With a function, OpenSSL does not ask for a passphrase at the terminal.
            made.load_cert_chain(file, password=lambda: tls.passphrase or "")
        except (ssl.SSLError, ValueError):
            raise ConfigurationError(
                "the credential's tls.cert and tls.key cannot be used: both are PEM, the key is "
                "the certificate's own, and tls.passphrase opens it where it is encrypted"
            ) from None
