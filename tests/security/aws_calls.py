"""The AWS calls of the functions, as IAM sees them: who, which action, on which resource."""

from __future__ import annotations

import ast
from contextlib import ExitStack, contextmanager

import boto3

from tests.conftest import hooked
from workbench import functions

ACCOUNT, REGION = "123456789012", "eu-west-1"
# By IAM's service authorization reference, an operation needs the action of its name but for these.
ACTIONS = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "HeadObject": "GetObject",
}
PARTS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


def needed(service, operation, params):
    """Give the actions and resources that a call needs leave for."""
    return {
        "dynamodb": _dynamodb,
        "s3": _s3,
        "sqs": _sqs,
        "secretsmanager": _secrets,
    }[service](operation, params)


def _dynamodb(operation, params):
    if operation == "TransactWriteItems":
        parts = [part for item in params["TransactItems"] for part in item.items()]
        return {(f"dynamodb:{PARTS[kind]}", _table(each)) for kind, each in parts}
    if operation in ("BatchGetItem", "BatchWriteItem"):
        tables = params["RequestItems"]
        return {(f"dynamodb:{operation}", _table({"TableName": name})) for name in tables}
    return {(f"dynamodb:{operation}", _table(params))}


def _table(params):
    index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{params['TableName']}{index}"


def _s3(operation, params):
    action = ACTIONS.get(operation, operation)
    return {(f"s3:{action}", f"arn:aws:s3:::{params['Bucket']}/{params['Key']}")}


def _sqs(operation, params):
    action, name = ACTIONS.get(operation, operation), params["QueueUrl"].rsplit("/", 1)[1]
    return {(f"sqs:{action}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")}


def _secrets(operation, params):
    # AWS puts six characters behind a secret's name.
    name = f"secret:{params['SecretId']}-AbCdEf"
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:{name}"
    return {(f"secretsmanager:{operation}", arn)}


@contextmanager
def recorded():
    """Collect what the functions need leave for meanwhile: `(function, action, resource)`."""
    found = set()

    def see(model, params, **_):
        function = functions.executing.get()
        service = model.service_model.service_name
        found.update((function, *each) for each in needed(service, model.name, params) if function)

    with ExitStack() as stack:
        for service in ("dynamodb", "s3", "sqs", "secretsmanager"):
            stack.enter_context(hooked(f"provide-client-params.{service}", see))
        yield found


def of_lambda(made):
    """Give what Lambda itself does in a function's name: read its queue, write its log."""
    found = set()
    for mapping in made.resources.mappings:
        actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
        found |= {(mapping.function, f"sqs:{each}", mapping.queue_arn) for each in actions}
    for function in made.resources.functions:
        name = made.resources.physical_ids[f"{function.capitalize()}Logs"]
        arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:log-stream:2026/03/09/[$LATEST]0a"
        actions = ("CreateLogStream", "PutLogEvents")
        found |= {(function, f"logs:{each}", arn) for each in actions}
    return found


def policies(resources):
    """Give the statements of each function's role, as the stack has resolved them."""
    iam, found = boto3.client("iam"), {}
    for function in resources.functions:
        role = resources.physical_ids[f"{function.capitalize()}Role"]
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        # moto keeps what CloudFormation hands it as Python writes it, absent statements as None.
        found[function] = [_real(each) for each in ast.literal_eval(document)["Statement"] if each]
    return found


def _real(statement):
    # CloudFormation's ARN of a log group ends in `:*`, its streams; moto's does not.
    if str(statement["Resource"]).startswith("arn:aws:logs:"):
        return {**statement, "Resource": f"{statement['Resource']}:*"}
    return statement
