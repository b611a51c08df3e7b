"""The secrets of a connected stack's credentials in AWS Secrets Manager."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from openfn.storage import aws
from openfn.storage.aws import Setting
from openfn.storage.errors import CallRefused
from workbench.errors import CommandError
from workbench.stack.clients import of_stack

_REFRESH_TAG = {"Key": "openfn-refresh", "Value": "true"}
"""The condition under which the runner's role may replace a secret: template.yaml."""


def full_name(name: str) -> str:
    """Return the name of a credential's secret in Secrets Manager."""
    return aws.setting(Setting.CREDENTIALS_PREFIX) + name


def read(name: str) -> dict[str, Any] | None:
    """Read a credential; None without a secret, {} if it is not an object."""
    try:
        response = of_stack("secretsmanager").get_secret_value(SecretId=full_name(name))
    except (ClientError, CallRefused) as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise _error_of(name, error) from None
    try:
        body = json.loads(response.get("SecretString", ""))
    except (ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {}


def write(name: str, body: Mapping[str, Any], *, new: bool, refresh: bool = False) -> None:
    """Create a credential's secret, or replace its value.

    With `refresh`, the runner may replace the value too: its role allows that for secrets with a
    tag only.
    """
    client, text = of_stack("secretsmanager"), json.dumps(dict(body))
    if new:
        tags = {"Tags": [_REFRESH_TAG]} if refresh else {}
        try:
            client.create_secret(Name=full_name(name), SecretString=text, **tags)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceExistsException":
                raise
            # It was created without a value.
        else:
            return
    client.put_secret_value(SecretId=full_name(name), SecretString=text)
    tag(name, refresh=refresh)


def tag(name: str, *, refresh: bool) -> None:
    """Let the runner replace a secret, or not any more. Without a secret nothing happens."""
    client = of_stack("secretsmanager")
    try:
        current = client.describe_secret(SecretId=full_name(name)).get("Tags", [])
    except (ClientError, CallRefused):
        return
    if refresh and _REFRESH_TAG not in current:
        client.tag_resource(SecretId=full_name(name), Tags=[_REFRESH_TAG])
    elif not refresh and _REFRESH_TAG in current:
        client.untag_resource(SecretId=full_name(name), TagKeys=[_REFRESH_TAG["Key"]])


def change_times() -> dict[str, str]:
    """Return when each of the stack's secrets was last changed (UTC), by credential."""
    prefix = aws.setting(Setting.CREDENTIALS_PREFIX)
    times: dict[str, str] = {}
    request: dict[str, Any] = {"Filters": [{"Key": "name", "Values": [prefix]}]}
    while True:
        page = of_stack("secretsmanager").list_secrets(**request)
        for secret in page["SecretList"]:
            changed_at = secret.get("LastChangedDate") or secret["CreatedDate"]
            times[secret["Name"].removeprefix(prefix)] = f"{changed_at:%Y-%m-%d %H:%M}"
        if not page.get("NextToken"):
            return times
        request["NextToken"] = page["NextToken"]


def _error_of(name: str, error: ClientError | CallRefused) -> Exception:
    if error.response["Error"]["Code"] != "InvalidRequestException":
        return error
    return CommandError(
        f"The secret {full_name(name)} is being deleted. Restore it first with "
        f"`aws secretsmanager restore-secret --secret-id {full_name(name)}`."
    )
