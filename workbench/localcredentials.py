"""A credential in a file on this machine, for `ofn serve` and `ofn try`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workbench.errors import CannotDo


def read_credential(path: Path) -> dict[str, Any]:
    """Read a credential's body from a file; `CannotDo` when it is not a JSON object."""
    try:
        body = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CannotDo(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CannotDo(f'{path} is not a JSON object such as {{"baseUrl": "https://…"}}')
    return body
