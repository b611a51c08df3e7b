"""Hooks before and after the calls of a stack's services, as botocore has them."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

from openfn.storage import services
from openfn.storage.errors import CallFailed, CallRefused


@contextmanager
def hook_aws_call(event, handler):
    """Call a handler at an event such as `before-call.sqs.SendMessageBatch`.

    Events and arguments are those of botocore, as far as tests use them. Without an operation, all
    operations of the service call the handler.
    """
    current = services.current()
    if is_boto3(current):
        from openfn.storage.boto3_services import client  # noqa: PLC0415 - it takes long to import

        hooks = client(event.split(".")[1]).meta.events
        hooks.register(event, handler)
        try:
            yield
        finally:
            hooks.unregister(event, handler)
        return
    with services.use(_Hooked(current, event, handler)):
        yield


def is_boto3(current):
    """Return whether boto3 answers the calls."""
    return type(current).__name__ == "Boto3Services"


class _Hooked:
    """Services that call a handler before or after each call of an event's operation."""

    def __init__(self, services_, event, handler):
        self._services, self._handler = services_, handler
        self._time, self._service, *operation = event.split(".")
        self._operation = operation[0] if operation else None

    def __getattr__(self, name):
        return getattr(self._services, name)

    def call(self, service, operation, request):
        name = "".join(part.capitalize() for part in operation.split("_"))
        if service != self._service or self._operation not in (None, name):
            return self._services.call(service, operation, request)
        context = {"model": SimpleNamespace(name=name), "event_name": self._time}
        if self._time == "after-call":
            response = self._services.call(service, operation, request)
            self._handler(parsed=response, **context)
            return response
        try:
            answer = self._handler(params=request, **context)
        except Exception as error:
            if not type(error).__module__.startswith("botocore"):
                raise
            raise CallFailed(type(error).__name__, str(error)) from error
        if answer is None or self._time != "before-call":
            return self._services.call(service, operation, request)
        details = answer[1]
        error = details["Error"]
        raise CallRefused(error["Code"], error["Message"], details)
