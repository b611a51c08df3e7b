"""Powertools' resolver for an HTTP API, for requests that are answered at the same time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, cast

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import ResponseBuilder
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

# It logs the text of every error, which may quote a body.
logging.getLogger("aws_lambda_powertools.event_handler.api_gateway").setLevel(logging.CRITICAL)
ErrorPage = Callable[[Any], Response[str]]


class Resolver(APIGatewayHttpResolver):
    """The resolver, with a request of its own for each thread.

    Powertools keeps the request in the resolver, because Lambda has one at a time. A console on
    one machine answers several requests at once.
    """

    def resolve(self, event: Any, context: Any) -> dict[str, Any]:
        """Return the response to an event."""
        resolver = copy(self)
        resolver.context, resolver.processed_stack_frames = {}, []
        resolver.current_event = APIGatewayProxyEventV2(event)
        return super(Resolver, resolver).resolve(event, context)

    def build(self, event: Any, response: Response[Any]) -> dict[str, Any]:
        """Return the response of a request that no route has answered."""
        builder: ResponseBuilder[APIGatewayProxyEventV2] = ResponseBuilder(response)
        return builder.build(APIGatewayProxyEventV2(event))

    def show_errors(self, pages: Mapping[Any, ErrorPage], no_page: ErrorPage) -> None:
        """Answer with a page after these errors, and where there is no route."""
        resolver = cast("Any", self)  # its decorators have no types
        for error, show in pages.items():
            resolver.exception_handler(error)(show)
        resolver.not_found(no_page)
