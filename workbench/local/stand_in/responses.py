"""The response of a stand-in, and the credential that leads to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from workbench.credentials import placeholders
from workbench.local.stand_in import commcare, dhis2, kobotoolbox, odk, routes, salesforce

_ROUTES: Mapping[str, tuple[routes.Route, ...]] = {
    "commcare": commcare.ROUTES,
    "dhis2": dhis2.ROUTES,
    "kobotoolbox": kobotoolbox.ROUTES,
    "odk": odk.ROUTES,
    "salesforce": salesforce.ROUTES,
}
_LOGINS: Mapping[str, Mapping[str, str]] = {"commcare": commcare.LOGIN, "odk": odk.LOGIN}
"""Optional keys of a credential that some operations need."""


def respond(adaptor: str, request: Request, number: int) -> Response:
    """Return the response of an adaptor's system; `number` counts the requests."""
    return routes.respond(_ROUTES.get(adaptor, ()), request, number)


def credential(adaptor: str, url: str) -> dict[str, Any]:
    """Return a credential with which an adaptor's operations reach its stand-in at a URL."""
    return {**placeholders.configuration(adaptor, url), **_LOGINS.get(adaptor, {})}
