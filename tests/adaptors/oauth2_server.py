"""An API that accepts the tokens of its own OAuth 2 server."""

from __future__ import annotations

from urllib.parse import unquote_plus

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, request

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
KEY = rsa.generate_private_key(65537, 2048)


def pem(kind):
    """Return the key as PEM text: PKCS8 or TraditionalOpenSSL."""
    encoding, encryption = serialization.Encoding.PEM, serialization.NoEncryption()
    private_format = getattr(serialization.PrivateFormat, kind)
    return KEY.private_bytes(encoding, private_format, encryption).decode()


class OAuth2Server:
    """A WSGI application: `/token` issues tokens, and `/things` requires the last one."""

    def __init__(self):
        """Issue no token yet; `forms` has the fields of each request for one."""
        self.forms, self.valid, self.expires_in, self.extra = [], set(), 3600, {}
        self.refusal, self.is_refusing = None, False
        self.refresh_token = "refresh-0-Zm9v"
        """The refresh token that is valid: each use replaces it."""
        self.app = Flask(__name__)
        self.app.add_url_rule("/token", view_func=self._token, methods=["POST"])
        self.app.add_url_rule("/things", view_func=self._things, methods=["GET", "POST"])

    def __call__(self, environ, start_response):
        """Respond to a request."""
        return self.app(environ, start_response)

    def _token(self):
        form = request.form.to_dict()
        if request.authorization:
            login = request.authorization
            form["basic"] = (unquote_plus(login.username), unquote_plus(login.password))
            form["raw"] = login.username
        self.forms.append(form)
        if self.refusal:
            return self.refusal
        if not self._is_valid(form):
            return {"error": "invalid_grant", "error_description": f"not {form}"}, 400
        token = f"issued/{len(self.forms)}-Zm9vYmFy"
        self.valid = {token}
        body = {"access_token": token, "token_type": "Bearer", **self.extra}
        if form["grant_type"] == "refresh_token":
            body["refresh_token"] = self.refresh_token = f"refresh-{len(self.forms)}-Zm9v"
        return body if self.expires_in is None else {**body, "expires_in": self.expires_in}

    def _is_valid(self, form):
        if form["grant_type"] == JWT_BEARER:
            audience = f"{request.host_url}token"
            jwt.decode(form["assertion"], KEY.public_key(), ["RS256"], audience=audience)
            return True
        if form["grant_type"] == "refresh_token":
            return form["refresh_token"] == self.refresh_token
        if form["grant_type"] == "password":
            return (form["username"], form["password"]) == ("nurse", "s3cr3t-Zm9v")
        body = (form.get("client_id"), form.get("client_secret"))
        return form.get("basic", body) == ("app one", "s3cr3t/Zm9v")

    def _things(self):
        header = request.headers.get("Authorization", "")
        if header.removeprefix("Bearer ") not in self.valid or self.is_refusing:
            return {"error": f"no such token: {header}"}, 401
        return {"ok": True, "headers": dict(request.headers)}
