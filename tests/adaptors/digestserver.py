"""A server that asks for digest authentication, as RFC 7616 says, with any algorithm."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import count

from werkzeug.datastructures import Authorization, WWWAuthenticate
from werkzeug.wrappers import Request, Response

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512": "sha512", "SHA-512-256": "sha512_256"}


def response_to(given, method, username, password):
    """Give the proof that the parameters of a client's header ask for."""
    algorithm, session, _ = given.get("algorithm", "MD5").upper().partition("-SESS")

    def made(*parts):
        return hashlib.new(HASHES[algorithm], ":".join(parts).encode()).hexdigest()

    secret = made(username, given["realm"], password)
    if session:
        secret = made(secret, given["nonce"], given["cnonce"])
    what = made(method, given["uri"])
    if "qop" not in given:
        return made(secret, given["nonce"], what)
    return made(secret, given["nonce"], given["nc"], given["cnonce"], given["qop"], what)


@dataclass
class DigestServer:
    """A WSGI application; `asks` are the parameters of each challenge it makes."""

    users: dict = field(default_factory=dict)
    asks: tuple = ({"algorithm": "SHA-256", "qop": "auth"},)
    others: tuple = ()
    """Challenges of other schemes, as they stand in the header."""
    nonces: dict = field(default_factory=dict)
    """Each nonce that is good, with the last count that was seen with it."""
    _numbers: count = field(default_factory=count)

    def forget(self):
        """Let all nonces be stale."""
        self.nonces = dict.fromkeys(self.nonces)

    def __call__(self, environ, start_response):
        request = Request(environ)
        stale = self._trouble(request)
        answer = Response('{"welcome": true}', content_type="application/json")
        if stale is not None:
            answer = Response("who are you?", 401, self._challenges(stale=stale))
        return answer(environ, start_response)

    def _challenges(self, *, stale):
        found = []
        for ask in self.asks:
            nonce = f'n"{next(self._numbers)}/='
            self.nonces[nonce] = 0
            asked = {"realm": 'health, "east"', "nonce": nonce, "opaque": "o=1", **ask}
            found.append(
                str(WWWAuthenticate("digest", asked | ({"stale": "true"} if stale else {})))
            )
        return [("WWW-Authenticate", each) for each in (*self.others, *found)]

    def _trouble(self, request):
        """Give whether only the nonce is stale; `None` when all is well."""
        header = request.headers.get("Authorization", "").encode("latin-1").decode()
        given = Authorization.from_header(header)
        if given is None or given.type != "digest":
            return False
        username = given["username"]
        target = request.environ["REQUEST_URI"]
        if given["uri"] != target or given["opaque"] != "o=1" or given["nonce"] not in self.nonces:
            return False
        right = response_to(
            given.parameters, request.method, username, self.users.get(username, "")
        )
        if given["response"] != right:
            return False
        if self.nonces[given["nonce"]] is None:
            return True
        return self._replayed(given)

    def _replayed(self, given):
        number = int(given.get("nc") or "1", 16)
        if "qop" in given.parameters and number <= self.nonces[given["nonce"]]:
            return False
        self.nonces[given["nonce"]] = number
        return None
