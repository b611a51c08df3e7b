"""Print where `make deploy` deploys: the stack, the account and the region.

`python -m workbench.stack.deployment ENV` fails if credentials or region are missing.
"""

from __future__ import annotations

import sys

from botocore.exceptions import BotoCoreError, ClientError

from workbench.errors import CommandError
from workbench.stack import region, sam_config
from workbench.stack.clients import client
from workbench.stack.sam_config import SamEnvironment


def describe(name: str) -> str:
    """Return the stack, account and region of an environment in samconfig.toml.

    Raises `CommandError` if the environment, the credentials or the region are missing.
    """
    environment = sam_config.read().get(name)
    if environment is None:
        raise CommandError(f"samconfig.toml has no table [{name}.deploy.parameters].")
    where = _region(environment)
    try:
        sts = client("sts", environment.region, environment.profile)
        caller = sts.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise CommandError(
            f"AWS does not accept these credentials in region {where}: {error}. "
            "`make doctor` says what to do."
        ) from None
    return (
        f"Stack {environment.stack}: account {caller['Account']}, region {where}, "
        f"as {caller['Arn']}"
    )


def _region(environment: SamEnvironment) -> str:
    if environment.region:
        return f"{environment.region} (from samconfig.toml)"
    current = region.current()
    if current is None:
        raise CommandError(
            "No region is set. Set AWS_REGION and AWS_DEFAULT_REGION, or region in samconfig.toml."
        )
    return str(current)


def _main(name: str) -> None:
    try:
        with region.preferring_aws_region():
            sys.stderr.write(f"{describe(name)}\n")
    except CommandError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _main(sys.argv[1])
