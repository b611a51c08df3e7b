"""Check AWS's signatures (version 4) of requests to the local stack."""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import quote, unquote

from werkzeug.wrappers import Request

ACCESS_KEY = "local"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8}/[^,]+), ?SignedHeaders=([^,]+), ?"
    r"Signature=([0-9a-f]{64})"
)


def is_signed(request: Request, secret_key: str) -> bool:
    """Return whether a request has a valid signature by the local stack's key."""
    match = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    if not match or match[1] != ACCESS_KEY:
        return False
    scope, names, signature = match[2], match[3].split(";"), match[4]
    text = "\n".join(
        (
            "AWS4-HMAC-SHA256",
            request.headers.get("X-Amz-Date", ""),
            scope,
            hashlib.sha256(_canonical(request, names).encode()).hexdigest(),
        )
    )
    expected = hmac.new(_signing_key(secret_key, scope), text.encode(), "sha256").hexdigest()
    return hmac.compare_digest(expected, signature) and _has_signed_content(request)


def _canonical(request: Request, names: list[str]) -> str:
    query = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in request.args.items(multi=True)
    )
    headers = [f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in names]
    return "\n".join(
        (
            request.method,
            quote(unquote(request.path), safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            "".join(headers),
            ";".join(names),
            _content_hash(request),
        )
    )


def _content_hash(request: Request) -> str:
    computed = hashlib.sha256(request.get_data()).hexdigest()
    return request.headers.get("X-Amz-Content-Sha256", computed)


def _has_signed_content(request: Request) -> bool:
    stated = request.headers.get("X-Amz-Content-Sha256")
    return stated in (None, hashlib.sha256(request.get_data()).hexdigest())


def _signing_key(secret_key: str, scope: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return key
