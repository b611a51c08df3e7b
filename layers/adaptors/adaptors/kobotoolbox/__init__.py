"""KoboToolbox: read and change forms and submissions with its API v2.

The credential: `baseUrl` (https://kf.kobotoolbox.org or your own server), and `username` with
`password`, or `token`. The body of a response becomes `data`; `response` has its method, url,
status and headers.
"""

from __future__ import annotations

from adaptors.kobotoolbox.assets import (
    get_deployment_info,
    get_forms,
    get_new_submissions,
    get_submissions,
    update_submissions,
)
from adaptors.kobotoolbox.credential import Configuration
from adaptors.kobotoolbox.rest import delete, get, patch, post, put

__all__ = [
    "Configuration",
    "delete",
    "get",
    "get_deployment_info",
    "get_forms",
    "get_new_submissions",
    "get_submissions",
    "patch",
    "post",
    "put",
    "update_submissions",
]
