"""Answer the requests of a browser: the pages on what a stack has received.

1. Check where the request comes from: the address, the session, and the origin of a POST.
2. Let Powertools' resolver find the page. A page reads through `openfn.history`.
3. Add the headers that keep hostile text from running.

`ofn serve` and `ofn console` say which stack is shown; without them, every request is refused.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from console import gate, request, responses, site
from console.pages import actions, assets, filters, health, message, messages, run, runs, tries
from console.request import Request
from console.resolver import Resolver
from console.site import Site
from openfn.errors import NotFound, log_fields
from openfn.storage.aws import AWSError

_logger = Logger(service="console", location=None, xray_trace_id=None, use_rfc3339=True)
app = Resolver()
for page in (assets, health, messages, message, runs, run, filters, tries, actions):
    app.include_router(page.router)


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the response to one request."""
    current = site.active()
    received = request.from_event(event)
    with request.answering(received):
        response = _refuse(event, received, current) or _answer(event, context)
    return responses.with_security(response)


def _refuse(event: dict[str, Any], received: Request, current: Site | None) -> Any:
    refused = gate.refuse(received, current) if current else gate.closed()
    return app.build(event, refused) if refused else None


def _answer(event: dict[str, Any], context: object) -> Any:
    try:
        return app.resolve(event, context)
    except Exception as error:
        _logger.error("page failed", extra=log_fields(error))
        return app.build(event, responses.error_page(500, "failed", type(error).__name__))


def _show_not_found(error: NotFound) -> Response[str]:
    """Show that something does not exist, or not any more."""
    return responses.error_page(404, "not found", str(error))


def _show_aws_error(error: AWSError) -> Response[str]:
    """Show what a service of AWS refused."""
    _logger.warning("call refused", extra=log_fields(error))
    return responses.error_page(502, "refused", f"{error.code}: {error}")


def _show_no_page(_error: Exception) -> Response[str]:
    """Show that there is no page with this address."""
    return responses.error_page(404, "not found", "")


app.show_errors({NotFound: _show_not_found, AWSError: _show_aws_error}, _show_no_page)
