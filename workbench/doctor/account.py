"""Checks of the AWS account: region, credentials, and what Lambda allows."""

from __future__ import annotations

import os
from collections.abc import Mapping

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    ProfileNotFound,
)
from botocore.exceptions import (
    ConnectionError as AwsConnectionError,
)

from workbench.doctor.checks import Check, ok, problem
from workbench.errors import CommandError
from workbench.stack import region
from workbench.stack.clients import client
from workbench.stack.connection import ENDPOINT

# Executions that a burst of posts needs: posts do not wait, all others do.
_FOR_POSTS = 50
_QUOTA, _WISH = "L-B99A9384", 1_000
_REDUCED_MEMORY = 3_008
_SIGN_IN = (
    "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. With IAM Identity Center, "
    "sign in with `aws sso login`."
)
_FIXES = {
    "InvalidClientTokenId": "Check the access key. AWS also answers this if the account has not "
    "enabled this region: AWS console, Account, AWS Regions.",
    "SignatureDoesNotMatch": "Check AWS_SECRET_ACCESS_KEY, and the clock of this machine.",
    "RequestExpired": "Set the clock of this machine.",
}


def check_region() -> Check:
    """Check that one region is set, for `ofn` and for `sam`."""
    try:
        current = region.current()
    except ProfileNotFound as error:
        return problem("region", f"{error}.", "Set AWS_PROFILE to a profile in ~/.aws/config.")
    if current is None:
        return problem(
            "region", "No region is set.", "Set AWS_REGION and AWS_DEFAULT_REGION: docs/deploy.md."
        )
    if current.ignored:
        fix = "Set both to the same region: `sam` reads AWS_DEFAULT_REGION only."
        return problem("region", f"{current}.", fix)
    return ok("region", f"{current}.")


def check_credentials() -> tuple[Check, str]:
    """Check that AWS accepts the credentials; also return the account, "" if it does not."""
    try:
        caller = client("sts").get_caller_identity()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        fix = _FIXES.get(code, _SIGN_IN)
        return problem("credentials", f"AWS does not accept the credentials ({code}).", fix), ""
    except NoCredentialsError:
        return problem("credentials", "There are no AWS credentials.", _SIGN_IN), ""
    except (AwsConnectionError, HTTPClientError) as error:
        fix = "Check the network, the region's name, and HTTPS_PROXY if you need a proxy."
        return problem("credentials", f"AWS cannot be reached: {error}", fix), ""
    except BotoCoreError as error:
        return problem("credentials", f"The AWS credentials cannot be used: {error}", _SIGN_IN), ""
    account = str(caller["Account"])
    return ok("credentials", f"Account {account}, as {caller['Arn']}."), account


def check_concurrency(parameters: Mapping[str, str]) -> Check:
    """Check that runners and matchers leave enough of the account's executions for posts."""
    limit = client("lambda").get_account_settings()["AccountLimit"]
    total, free = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    runners = _number(parameters, "RunConcurrency")
    runs = runners * _number(parameters, "RunsPerRunner")
    matchers = _number(parameters, "MatchConcurrency")
    tick = 1
    left = max(free - runners - matchers - tick, 0)
    text = f"{total:,} executions at the same time in this account"
    if free < total:
        text += f", {total - free:,} of them reserved by other functions"
    text += (
        f"; runners take up to {runners:,} (for {runs:,} runs), matchers {matchers:,}, the tick 1: "
    )
    text += f"{left:,} for posts."
    if left >= _FOR_POSTS:
        return ok("concurrency", text)
    text += " A post above that is lost unless its source sends it again."
    return problem("concurrency", text, _more_concurrency(total))


def check_memory(parameters: Mapping[str, str], deployed: str = "") -> Check:
    """Check that the next deployment may give the runner its memory, if it changes that."""
    memory = _number(parameters, "RunMemory")
    text = f"RunMemory is {memory:,} MB."
    if memory <= _REDUCED_MEMORY or str(memory) == deployed:
        return ok("memory", text)
    # AWS shows this quota nowhere; it raises it together with the concurrency.
    total = client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if total >= _WISH:
        return ok("memory", text)
    text += f" A new account refuses more than {_REDUCED_MEMORY:,} MB."
    return problem("memory", text, "Set RunMemory=3008 or less, or ask AWS Support for more.")


def is_local() -> bool:
    """Return whether the AWS services are those of `ofn serve`, which have no limits."""
    return bool(os.environ.get(ENDPOINT))


def _number(parameters: Mapping[str, str], name: str) -> int:
    try:
        return int(parameters[name])
    except ValueError:
        raise CommandError(f"{name}={parameters[name]} is not a number.") from None


def _more_concurrency(total: int) -> str:
    if total >= _WISH:
        return (
            "Lower RunConcurrency or MatchConcurrency, or ask AWS for more: Service Quotas, AWS "
            f"Lambda, Concurrent executions ({_QUOTA})."
        )
    return (
        "Ask AWS for 1,000 before you connect a source: Service Quotas, AWS Lambda, Concurrent "
        "executions, or `aws service-quotas request-service-quota-increase --service-code lambda "
        f"--quota-code {_QUOTA} --desired-value {_WISH}`."
    )
