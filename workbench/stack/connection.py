"""Connect to a deployed stack, or to the one of `ofn serve`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from openfn.storage.aws import Setting
from openfn.storage.errors import CallFailed, CallRefused
from workbench.environment import environ
from workbench.errors import CommandError
from workbench.project.compiler import compile_project
from workbench.project.schema.project import ProjectSpec
from workbench.stack import local, region
from workbench.stack.clients import client

# All functions have the same environment; this one needs all of it.
_FUNCTION = "MatcherFunction"
_SETTINGS = {
    Setting.TABLE_NAME,
    Setting.BUCKET_NAME,
    Setting.MATCH_QUEUE_URL,
    Setting.RUN_QUEUE_URL,
    Setting.CREDENTIALS_PREFIX,
    Setting.RETENTION_DAYS,
}
_REGION = "Set AWS_REGION (or AWS_DEFAULT_REGION) and AWS_PROFILE, as for the AWS CLI."
_LOCAL = "For the stack of `ofn serve`, run the command in the folder in which you started it."
_NO_OUTPUT = "Stack {stack} has no output {name}. `ofn serve` prints the URLs of its inboxes."
ENDPOINT = "AWS_ENDPOINT_URL"
"""The variable that leads to the stack of `ofn serve`."""


@contextmanager
def connected(stack: str, project: Path, checked: ProjectSpec | None = None) -> Iterator[None]:
    """Let the core layer use a stack's table, bucket, queues and secrets.

    Credentials and region are those of the AWS CLI; `AWS_ENDPOINT_URL` leads to the stack of
    `ofn serve`. Account and region are written to standard error first. A command that queues runs
    needs the project as it is deployed, `checked`; to read what is stored, no project is needed.
    The data of `ofn serve` in the current folder or a parent comes before AWS.
    Raises `CommandError` if there is no such stack, or if AWS cannot be reached.
    """
    try:
        with (
            tempfile.TemporaryDirectory(prefix="openfn-") as folder,
            _services_of(stack),
        ):
            if checked:
                compile_project(project, Path(folder), checked=checked)
            with environ({Setting.PROJECT_DIR: folder if checked else None}):
                yield
    except CallFailed as error:
        raise _call_error(stack, error) from None
    except ClientError as error:
        raise _stack_error(stack, error) from None
    except BotoCoreError as error:
        raise _unreachable(error) from None


def output(stack: str, name: str) -> str:
    """Return an output of a stack, such as `InboxUrl`; raise CommandError if it has none."""
    if _is_local(stack):
        raise CommandError(_NO_OUTPUT.format(stack=stack, name=name))
    try:
        cloudformation = client("cloudformation")
        response = cloudformation.describe_stacks(StackName=stack)
    except ClientError as error:
        raise _stack_error(stack, error) from None
    except BotoCoreError as error:
        raise _unreachable(error) from None
    _print_target(stack, response["Stacks"][0]["StackId"])
    outputs: dict[str, str] = {
        output.get("OutputKey"): output.get("OutputValue", "")
        for output in response["Stacks"][0].get("Outputs", [])
    }
    if name not in outputs:
        raise CommandError(_NO_OUTPUT.format(stack=stack, name=name))
    return outputs[name]


@contextmanager
def _services_of(stack: str) -> Iterator[None]:
    folder = None if os.environ.get(ENDPOINT) else local.find_folder(stack)
    if local.active():
        sys.stderr.write(f"Stack {stack}: in this process\n")
        yield
    elif folder:
        with local.opened(folder):
            yield
    else:
        with environ(_environment(stack)):
            yield


def _environment(stack: str) -> dict[str, str | None]:
    cloudformation = client("cloudformation")
    response = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=_FUNCTION)
    resource = response["StackResourceDetail"]
    _print_target(stack, resource["StackId"])
    name = resource.get("PhysicalResourceId", "")
    configuration = client("lambda").get_function_configuration(FunctionName=name)
    variables = configuration["Environment"]["Variables"]
    return {name: str(value) for name, value in variables.items() if name in _SETTINGS}


def _print_target(stack: str, stack_id: str) -> None:
    # A stack's ARN names its account, so that no other call is needed.
    account = stack_id.split(":")[4]
    where = f"account {account}, region {region.current()}"
    if endpoint := os.environ.get(ENDPOINT):
        where = f"{endpoint} (from {ENDPOINT})"
    sys.stderr.write(f"Stack {stack}: {where}\n")


def _is_local(stack: str) -> bool:
    return bool(local.active() or local.find_folder(stack))


def _call_error(stack: str, error: CallFailed) -> CommandError:
    if _is_local(stack):
        return CommandError(f"The local stack refused this: {error}")
    if isinstance(error, CallRefused):
        return CommandError(f"AWS refused this in stack {stack}: {error}")
    return _unreachable(error)


def _unreachable(error: Exception) -> CommandError:
    reason = str(error).rstrip(".")
    return CommandError(f"AWS cannot be reached: {reason}. {_REGION} {_LOCAL}")


def _stack_error(stack: str, error: ClientError) -> CommandError:
    if error.response["Error"]["Code"] == "ValidationError":
        return CommandError(
            f"There is no stack {stack} here. The region is {region.current()}. "
            f"Name a stack with --stack. {_REGION}"
        )
    return CommandError(f"AWS refused this in stack {stack}: {error}")
