"""Answers of AWS in the shapes that its API references document, without a network.

botocore sends a request to the handlers of `before-send` first and takes their answer instead of
the service's: it is botocore's own hook, which its stubs and moto use.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from io import BytesIO

import boto3
from botocore.awsrequest import AWSResponse

ACCOUNT = "111122223333"  # AWS's example account
IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::{ACCOUNT}:user/asha</Arn>
    <UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>
    <Account>{ACCOUNT}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>"""
STACK_RESOURCE = """<DescribeStackResourceResponse
    xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
  <DescribeStackResourceResult><StackResourceDetail>
    <PhysicalResourceId>arn:aws:sns:eu-west-1:111122223333:openfn-Alerts-1</PhysicalResourceId>
  </StackResourceDetail></DescribeStackResourceResult>
</DescribeStackResourceResponse>"""


def account_settings(total, unreserved=None):
    """Return Lambda's answer to GetAccountSettings."""
    limit = {
        "TotalCodeSize": 80_530_636_800,
        "CodeSizeUnzipped": 262_144_000,
        "CodeSizeZipped": 52_428_800,
        "ConcurrentExecutions": total,
        "UnreservedConcurrentExecutions": total if unreserved is None else unreserved,
    }
    return json.dumps({"AccountLimit": limit, "AccountUsage": {"TotalCodeSize": 0}})


def error(code, message, status=400):
    """Return an answer with an error, as the services with XML write it, and its status."""
    text = f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
    return f"<ErrorResponse><Error>{text}</Error></ErrorResponse>", status


def responder(body):
    """Return a handler of `before-send` that answers every call with a body."""
    return lambda request, **_: AWSResponse(request.url, 200, {}, _Body(body.encode()))


def json_error(code, message, status=403):
    """Return an answer with an error, as the services with JSON write it, and its status."""
    return json.dumps({"__type": code, "message": message}), status


def described_stack(status="CREATE_COMPLETE", **parameters):
    """Return CloudFormation's answer to DescribeStacks."""
    members = "".join(
        f"<member><ParameterKey>{key}</ParameterKey><ParameterValue>{value}</ParameterValue></member>"
        for key, value in parameters.items()
    )
    return f"""<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
      <DescribeStacksResult><Stacks><member>
        <StackName>openfn</StackName><StackStatus>{status}</StackStatus>
        <CreationTime>2026-11-28T08:00:00Z</CreationTime><Parameters>{members}</Parameters>
      </member></Stacks></DescribeStacksResult></DescribeStacksResponse>"""


def subscriptions(**arns):
    """Return SNS's answer to ListSubscriptionsByTopic, from ARNs by the user of an address."""
    members = "".join(
        f"<member><Protocol>email</Protocol><Endpoint>{user}@example.org</Endpoint>"
        f"<SubscriptionArn>{arn}</SubscriptionArn></member>"
        for user, arn in arns.items()
    )
    return f"""<ListSubscriptionsByTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
      <ListSubscriptionsByTopicResult><Subscriptions>{members}</Subscriptions>
      </ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>"""


def secrets(*names):
    """Return the answer of Secrets Manager to ListSecrets."""
    return json.dumps({"SecretList": [{"ARN": f"arn:{name}", "Name": name} for name in names]})


@contextmanager
def answering(answers):
    """Answer the calls of boto3's default session by operation, and yield the hosts asked.

    An answer is a body, or a body and a status. Every other call fails.
    """
    hosts = []

    def respond(request, event_name, **_):
        operation = event_name.rpartition(".")[2]
        hosts.append(request.url.split("/")[2])
        answer = answers[operation]
        body, status = answer if isinstance(answer, tuple) else (answer, 200)
        return AWSResponse(request.url, status, {}, _Body(body.encode()))

    before = boto3.DEFAULT_SESSION
    boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register("before-send", respond)
    try:
        yield hosts
    finally:
        boto3.DEFAULT_SESSION = before


class _Body(BytesIO):
    def stream(self, **_):
        yield self.read()
