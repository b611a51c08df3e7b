"""Record the AWS calls of functions as IAM sees them: function, action and resource."""

from __future__ import annotations

import ast
from contextlib import ExitStack, contextmanager

import boto3

from tests.support.call_hooks import hook_aws_call
from workbench.local import lambda_functions

ACCOUNT, REGION = "123456789012", "eu-west-1"
# Operations whose IAM action has another name (IAM's service authorization reference).
ACTIONS = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
}
TRANSACTION_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


def required_permissions(service, operation, params):
    """Return the pairs of action and resource that a call must be allowed."""
    return {
        "dynamodb": _dynamodb_permissions,
        "s3": _s3_permissions,
        "sqs": _sqs_permissions,
        "secretsmanager": _secrets_permissions,
    }[service](operation, params)


def _dynamodb_permissions(operation, params):
    if operation == "TransactWriteItems":
        parts = [part for item in params["TransactItems"] for part in item.items()]
        return {
            (f"dynamodb:{TRANSACTION_ACTIONS[kind]}", _table_arn(request))
            for kind, request in parts
        }
    if operation in ("BatchGetItem", "BatchWriteItem"):
        tables = params["RequestItems"]
        return {(f"dynamodb:{operation}", _table_arn({"TableName": name})) for name in tables}
    return {(f"dynamodb:{operation}", _table_arn(params))}


def _table_arn(params):
    index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{params['TableName']}{index}"


def _s3_permissions(operation, params):
    bucket, action = f"arn:aws:s3:::{params['Bucket']}", ACTIONS.get(operation, operation)
    if operation == "ListObjectsV2":
        return {("s3:ListBucket", f"{bucket}/list/{params['Prefix']}")}
    return {(f"s3:{action}", f"{bucket}/{params['Key']}")}


def _sqs_permissions(operation, params):
    action, name = ACTIONS.get(operation, operation), params["QueueUrl"].rsplit("/", 1)[1]
    return {(f"sqs:{action}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")}


def _secrets_permissions(operation, params):
    # AWS appends six characters to a secret's name in its ARN.
    name = f"secret:{params['SecretId']}-AbCdEf"
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:{name}"
    # The credentials with `refresh: true` have a tag, without which the role allows no write.
    return {(f"secretsmanager:{operation}", f"{arn}/tagged" if operation[0] == "P" else arn)}


@contextmanager
def recorded_permissions():
    """Collect what functions must be allowed: `(function, action, resource)`."""
    permissions = set()

    def record(model, params, **_):
        function = lambda_functions.current_function.get()
        if function:
            required = required_permissions(model.service_model.service_name, model.name, params)
            permissions.update((function, *permission) for permission in required)

    with ExitStack() as stack:
        for service in ("dynamodb", "s3", "sqs", "secretsmanager"):
            stack.enter_context(hook_aws_call(f"provide-client-params.{service}", record))
        yield permissions


def lambda_permissions(stack):
    """Return what Lambda does with a function's role: read its queue and write its logs."""
    permissions = set()
    for mapping in stack.resources.mappings:
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
            permissions.add((mapping.function, f"sqs:{action}", mapping.queue_arn))
    for function in stack.resources.functions:
        name = stack.resources.physical_ids[f"{function.capitalize()}Logs"]
        arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:log-stream:2026/03/09/[$LATEST]0a"
        for action in ("CreateLogStream", "PutLogEvents"):
            permissions.add((function, f"logs:{action}", arn))
    return permissions


def role_statements(resources):
    """Return the resolved policy statements of each function's role."""
    iam, statements = boto3.client("iam"), {}
    for function in resources.functions:
        role = resources.physical_ids[f"{function.capitalize()}Role"]
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        # moto stores the policy as Python writes it, with None for absent statements.
        statements[function] = [
            _with_log_streams(statement)
            for statement in ast.literal_eval(document)["Statement"]
            if statement
        ]
    return statements


def _with_log_streams(statement):
    # CloudFormation's ARN of a log group ends in `:*` for its streams; moto's does not.
    if str(statement["Resource"]).startswith("arn:aws:logs:"):
        return {**statement, "Resource": f"{statement['Resource']}:*"}
    return statement
