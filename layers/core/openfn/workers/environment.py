"""The environment variables of workers: a fresh process has only those that a job may see.

The environment in which a process was started stays readable in `/proc`, whatever is removed from
it later. So the zygote is started with these variables and no others.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_ALLOWED = (
    *("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "USER"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONWARNINGS", "PYTHONHASHSEED", "PYTHONPYCACHEPREFIX"),
)
_LOCALE = "LC_"
# As it was at the start: a job that is loaded in this process adds its folder.
_PATHS = [path for path in sys.path if path]


def for_workers() -> dict[str, str]:
    """Return the environment of workers: the allowed variables, and where modules are."""
    allowed = {
        name: value
        for name, value in os.environ.items()
        if name in _ALLOWED or name.startswith(_LOCALE)
    }
    # A job's Python subprocesses write line by line, so that the lines stay in order.
    return allowed | {"PYTHONPATH": os.pathsep.join(_PATHS), "PYTHONUNBUFFERED": "1"}


def project_folder() -> Path:
    """Return the folder of the compiled project of this process."""
    return Path(os.environ["PROJECT_DIR"])


def current() -> Mapping[str, str]:
    """Return a copy of this process's environment."""
    return dict(os.environ)


def restore(before: Mapping[str, str]) -> None:
    """Give this process the environment that it had before."""
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)
