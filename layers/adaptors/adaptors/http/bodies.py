"""The bodies that requests are sent with: always bytes, so that they can be sent again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import xmltodict
from urllib3.filepost import encode_multipart_formdata

from adaptors._formats import json_text
from adaptors._http.url_encoding import encode_pairs
from adaptors.errors import ConfigurationError
from adaptors.operations import State, resolve

Part = str | bytes | tuple[str, str | bytes] | tuple[str, str | bytes, str]
_DECLARED = re.compile(r"""\s*<\?xml[^>]*\sencoding=["']([\w.:-]+)""")


def encoded(json: Any, options: Mapping[str, Any]) -> tuple[bytes | None, str]:
    """Give a body and its content type."""
    body, kind = _encoded(json, options)
    if options.get("content_type") is None:
        return body, kind
    if options.get("files") is not None:
        raise ConfigurationError("leave content_type= out with files=: it names their boundary")
    return body, options["content_type"]


def files_of(state: State, files: Any) -> Any:
    """Resolve the values of files inside their tuples too."""
    found = resolve(state, files)
    if not isinstance(found, Mapping):
        return found
    return {
        name: tuple(resolve(state, list(each))) if isinstance(each, tuple) else each
        for name, each in found.items()
    }


def _encoded(json: Any, options: Mapping[str, Any]) -> tuple[bytes | None, str]:
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
    fields += [(name, _file(name, part)) for name, part in _files(files)]
    # Of the same files the same body is made, since an idempotency key is made of the body; and
    # what is drawn from all of them stands in none of them.
    boundary = hashlib.sha256(repr(fields).encode("utf-8", "surrogatepass")).hexdigest()
    return encode_multipart_formdata(fields, boundary)


def _files(files: Any) -> list[tuple[str, Any]]:
    if not isinstance(files, Mapping):
        raise ConfigurationError(f"files is a dict of names, not {type(files).__name__}")
    return [(name, part) for name, part in files.items() if part is not None]


def _file(name: str, part: Any) -> tuple[str, bytes, str]:
    filename, content, *kind = part if isinstance(part, tuple | list) else (name, part)
    return filename, _bytes(content, f"files[{name!r}]"), *(kind or ["application/octet-stream"])


def _xml(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        try:
            return xmltodict.unparse(value).encode()
        except ValueError:
            raise ConfigurationError("xml= of a dict needs one root: {'household': …}") from None
    text = _text(value, "xml")
    declared = _DECLARED.match(text)
    try:
        return text.encode(declared[1] if declared else "utf-8", "xmlcharrefreplace")
    except LookupError:
        raise ConfigurationError("the encoding that the xml= declares is unknown") from None


def _bytes(value: Any, what: str) -> bytes:
    return value if isinstance(value, bytes) else _text(value, what).encode()


def _text(value: Any, what: str) -> str:
    if isinstance(value, str):
        return value
    raise ConfigurationError(f"{what} is text or bytes, not {type(value).__name__}")
