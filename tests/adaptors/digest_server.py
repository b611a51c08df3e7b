"""A server with digest authentication (RFC 7616) by any algorithm."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import count

from werkzeug.datastructures import Authorization, WWWAuthenticate
from werkzeug.wrappers import Request, Response

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512": "sha512", "SHA-512-256": "sha512_256"}


def digest_response(params, method, username, password):
    """Return the `response` that belongs to the other parameters of an Authorization header."""
    algorithm, session, _ = params.get("algorithm", "MD5").upper().partition("-SESS")

    def digest(*parts):
        return hashlib.new(HASHES[algorithm], ":".join(parts).encode()).hexdigest()

    secret = digest(username, params["realm"], password)
    if session:
        secret = digest(secret, params["nonce"], params["cnonce"])
    hashed_request = digest(method, params["uri"])
    if "qop" not in params:
        return digest(secret, params["nonce"], hashed_request)
    middle = (params["nonce"], params["nc"], params["cnonce"], params["qop"])
    return digest(secret, *middle, hashed_request)


@dataclass
class DigestServer:
    """A WSGI application; `offers` are the parameters of each challenge."""

    users: dict = field(default_factory=dict)
    offers: tuple = ({"algorithm": "SHA-256", "qop": "auth"},)
    other_challenges: tuple = ()
    """Challenges of other schemes, as header values."""
    nonces: dict = field(default_factory=dict)
    """Valid nonces, with the last count that was used with each."""
    _numbers: count = field(default_factory=count)

    def expire_nonces(self):
        """Make all nonces stale."""
        self.nonces = dict.fromkeys(self.nonces)

    def __call__(self, environ, start_response):
        request = Request(environ)
        stale = self._is_stale(request)
        response = Response('{"welcome": true}', content_type="application/json")
        if stale is not None:
            response = Response("unauthorized", 401, self._challenges(stale=stale))
        return response(environ, start_response)

    def _challenges(self, *, stale):
        challenges = []
        for offer in self.offers:
            nonce = f'n"{next(self._numbers)}/='
            self.nonces[nonce] = 0
            params = {"realm": 'health, "east"', "nonce": nonce, "opaque": "o=1", **offer}
            if stale:
                params["stale"] = "true"
            challenges.append(str(WWWAuthenticate("digest", params)))
        return [
            ("WWW-Authenticate", challenge) for challenge in (*self.other_challenges, *challenges)
        ]

    def _is_stale(self, request):
        """Return whether only the nonce is stale; None if the request is authenticated."""
        header = request.headers.get("Authorization", "").encode("latin-1").decode()
        auth = Authorization.from_header(header)
        if auth is None or auth.type != "digest":
            return False
        username = auth["username"]
        target = request.environ["REQUEST_URI"]
        if auth["uri"] != target or auth["opaque"] != "o=1" or auth["nonce"] not in self.nonces:
            return False
        password = self.users.get(username, "")
        if auth["response"] != digest_response(auth.parameters, request.method, username, password):
            return False
        if self.nonces[auth["nonce"]] is None:
            return True
        return self._is_replayed(auth)

    def _is_replayed(self, auth):
        number = int(auth.get("nc") or "1", 16)
        if "qop" in auth.parameters and number <= self.nonces[auth["nonce"]]:
            return False
        self.nonces[auth["nonce"]] = number
        return None
