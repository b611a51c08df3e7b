"""Run all checks, in the order in which their problems should be fixed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from workbench.doctor import account, deployed, machine
from workbench.doctor.checks import (
    Check,
    CheckState,
    not_answered,
    not_checked,
    ok,
    problem,
    with_aws,
)
from workbench.doctor.deployed import DeployedStack
from workbench.errors import CommandError
from workbench.project.schema.project import ProjectSpec
from workbench.stack import region, sam_config
from workbench.stack.sam_config import SamEnvironment


def examine(stack: str, project: Path) -> Iterator[Check]:
    """Check this machine, then the account, then the stack."""
    yield machine.check_python()
    project_check, spec = machine.check_project(project)
    yield project_check
    yield machine.check_layers()
    try:
        environment = _environment_of(stack)
    except CommandError as error:
        yield problem("samconfig.toml", str(error), "Correct samconfig.toml.")
        environment = None
    region_check = _check_region(environment)
    yield region_check
    credentials, number = account.check_credentials()
    yield credentials
    if not number:
        text = "Needs credentials and a region that AWS accepts."
        names = ("stack", "concurrency", "memory", "secrets", "alarm mail")
        yield from (not_checked(name, text) for name in names)
        return
    yield from _examine_stack(stack, spec, environment)


def _environment_of(stack: str) -> SamEnvironment | None:
    environments = sam_config.read().values()
    return next((environment for environment in environments if environment.stack == stack), None)


def _check_region(environment: SamEnvironment | None) -> Check:
    check = account.check_region()
    configured = environment.region if environment else None
    current = region.current() if check.state is CheckState.OK else None
    if configured and current and current.name != configured and not account.is_local():
        text = f"samconfig.toml deploys to {configured}, and `ofn` uses {current}."
        return problem("region", text, f"Set AWS_REGION={configured}, or change samconfig.toml.")
    return check


def _examine_stack(
    name: str, spec: ProjectSpec | None, environment: SamEnvironment | None
) -> Iterator[Check]:
    try:
        stack = deployed.find(name)
        yield deployed.check_status(stack) if stack else _not_deployed(name, environment)
    except (BotoCoreError, ClientError) as error:
        yield not_answered("stack", error)
        stack = DeployedStack(name, "unknown", {})
    configured = environment.parameters if environment else {}
    current = stack.parameters if stack else {}
    parameters = {**sam_config.template_defaults(), **configured, **current}
    if not account.is_local():
        yield with_aws("concurrency", lambda: account.check_concurrency(parameters))
        planned = {**parameters, **configured}
        deployed_memory = current.get("RunMemory", "")
        yield with_aws("memory", lambda: account.check_memory(planned, deployed_memory))
    if stack and spec:
        yield with_aws("secrets", lambda: deployed.check_secrets(name, spec))
    if stack and not account.is_local():
        yield with_aws("alarm mail", lambda: deployed.check_alarm_mail(stack))


def _not_deployed(name: str, environment: SamEnvironment | None) -> Check:
    if environment:
        command = f"make deploy ENV={environment.name}".removesuffix(" ENV=default")
        return ok("stack", f"{name} is not deployed yet. `{command}` creates it.")
    text = f"There is no stack {name} in this account and region, and samconfig.toml has none."
    return problem("stack", text, "Name a stack with --stack, or add it to samconfig.toml.")
