"""Request bodies: always bytes, so that they can be sent again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from urllib3.filepost import encode_multipart_formdata

from adaptors._formats import json_text, xml_text
from adaptors._formats.xml_encoding import declared_encoding
from adaptors._http.url_encoding import encode_pairs
from adaptors.errors import ConfigurationError
from adaptors.operations import State, resolve


def encode(json: Any, options: Mapping[str, Any]) -> tuple[bytes | None, str]:
    """Return the body that the options describe, and its content type."""
    body, content_type = _encode(json, options)
    if options.get("content_type") is None:
        return body, content_type
    if options.get("files") is not None:
        raise ConfigurationError("Leave content_type= out with files=: it contains their boundary.")
    return body, options["content_type"]


def resolve_files(state: State, files: Any) -> Any:
    """Resolve functions of the state in files, inside their tuples too."""
    resolved = resolve(state, files)
    if not isinstance(resolved, Mapping):
        return resolved
    return {
        name: tuple(resolve(state, list(file))) if isinstance(file, tuple) else file
        for name, file in resolved.items()
    }


def _encode(json: Any, options: Mapping[str, Any]) -> tuple[bytes | None, str]:
    if options.get("files") is not None:
        return _multipart(options["files"], options.get("form"))
    if options.get("form") is not None:
        fields = urlencode(encode_pairs(options["form"], "form"))
        return fields.encode(), "application/x-www-form-urlencoded"
    if options.get("text") is not None:
        return _text(options["text"], "text").encode(), "text/plain; charset=utf-8"
    if options.get("xml") is not None:
        return _xml(options["xml"]), "application/xml"
    if options.get("content") is not None:
        return _bytes(options["content"], "content"), "application/octet-stream"
    body = None if json is None else json_text.dumps(json).encode()
    return body, "application/json"


def _multipart(files: Any, form: Any) -> tuple[bytes, str]:
    fields: list[tuple[str, str | tuple[str, bytes, str]]] = []
    fields += encode_pairs(form or {}, "form")
    fields += [(name, _file(name, file)) for name, file in _files(files)]
    # The same files must make the same body, since an idempotency key depends on the body. A
    # hash of all of them appears in none of them.
    boundary = hashlib.sha256(repr(fields).encode("utf-8", "surrogatepass")).hexdigest()
    return encode_multipart_formdata(fields, boundary)


def _files(files: Any) -> list[tuple[str, Any]]:
    if not isinstance(files, Mapping):
        raise ConfigurationError(f"files is a dict of names, not {type(files).__name__}.")
    return [(name, file) for name, file in files.items() if file is not None]


def _file(name: str, file: Any) -> tuple[str, bytes, str]:
    filename, content, *kind = file if isinstance(file, tuple | list) else (name, file)
    return filename, _bytes(content, f"files[{name!r}]"), *(kind or ["application/octet-stream"])


def _xml(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        try:
            return xml_text.write_xml(value).encode()
        except ValueError as error:
            raise ConfigurationError(f"xml=: {error}") from None
    text = _text(value, "xml")
    try:
        return text.encode(declared_encoding(text) or "utf-8", "xmlcharrefreplace")
    except LookupError:
        raise ConfigurationError("The encoding that the xml= declares is unknown.") from None


def _bytes(value: Any, option: str) -> bytes:
    return value if isinstance(value, bytes) else _text(value, option).encode()


def _text(value: Any, option: str) -> str:
    if isinstance(value, str):
        return value
    raise ConfigurationError(f"{option} is text or bytes, not {type(value).__name__}.")
