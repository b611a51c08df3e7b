"""The policy of docs/deploy-policy.json allows a deployment of template.yaml, and little else.

CloudFormation calls AWS in the name of whoever deploys. Which actions a resource type needs is in
AWS's own schema of the type, under `handlers`; cfn-lint contains all schemas:
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path

import cfnlint
import pytest

from tests.conftest import ROOT
from tests.security import iam_simulator
from workbench.local import resources
from workbench.local.template import translate

POLICY = json.loads((ROOT / "docs/deploy-policy.json").read_text("utf-8"))
DEPLOY_PAGE = " ".join((ROOT / "docs/deploy.md").read_text("utf-8").split())
SCHEMAS = Path(cfnlint.__file__).parent / "data/schemas/resources"
ARNS = {
    "AWS::ApiGatewayV2::Api": ["arn:aws:apigateway:REGION::/apis/a1b2"],
    "AWS::ApiGatewayV2::Stage": ["arn:aws:apigateway:REGION::/apis/a1b2/stages/$default"],
    "AWS::Budgets::Budget": ["arn:aws:budgets::ACCOUNT:budget/STACK-REGION"],
    "AWS::CloudWatch::Alarm": ["arn:aws:cloudwatch:REGION:ACCOUNT:alarm:STACK-NoTicksAlarm-A1"],
    "AWS::CloudWatch::CompositeAlarm": ["arn:aws:cloudwatch:REGION:ACCOUNT:alarm:STACK-Data-A1"],
    "AWS::CloudWatch::Dashboard": ["arn:aws:cloudwatch::ACCOUNT:dashboard/STACK-REGION"],
    "AWS::DynamoDB::Table": ["arn:aws:dynamodb:REGION:ACCOUNT:table/STACK-Table-A1"],
    "AWS::Events::Rule": ["arn:aws:events:REGION:ACCOUNT:rule/STACK-MatcherFunctionTick-A1"],
    "AWS::IAM::Role": ["arn:aws:iam::ACCOUNT:role/STACK-InboxRole-A1"],
    "AWS::Lambda::EventInvokeConfig": ["arn:aws:lambda:REGION:ACCOUNT:function:STACK-Matcher-A1"],
    "AWS::Lambda::EventSourceMapping": ["arn:aws:lambda:REGION:ACCOUNT:event-source-mapping:0a1b"],
    "AWS::Lambda::Function": ["arn:aws:lambda:REGION:ACCOUNT:function:STACK-InboxFunction-A1"],
    "AWS::Lambda::LayerVersion": ["arn:aws:lambda:REGION:ACCOUNT:layer:CoreLayer"],
    "AWS::Lambda::Permission": ["arn:aws:lambda:REGION:ACCOUNT:function:STACK-InboxFunction-A1"],
    "AWS::Logs::LogGroup": ["arn:aws:logs:REGION:ACCOUNT:log-group:STACK-InboxLogs-A1"],
    "AWS::Logs::QueryDefinition": [],
    "AWS::S3::Bucket": ["arn:aws:s3:::stack-bucket-a1"],
    "AWS::S3::BucketPolicy": ["arn:aws:s3:::stack-bucket-a1"],
    "AWS::SNS::Subscription": ["arn:aws:sns:REGION:ACCOUNT:STACK-Alerts-A1"],
    "AWS::SNS::Topic": ["arn:aws:sns:REGION:ACCOUNT:STACK-Alerts-A1"],
    "AWS::SNS::TopicPolicy": ["arn:aws:sns:REGION:ACCOUNT:STACK-Alerts-A1"],
    "AWS::SQS::Queue": ["arn:aws:sqs:REGION:ACCOUNT:STACK-MatchQueue-A1.fifo"],
    "AWS::SQS::QueuePolicy": ["arn:aws:sqs:REGION:ACCOUNT:STACK-MatchQueue-A1.fifo"],
}
# What a type needs only for a property that template.yaml does not set.
UNUSED = {
    "AWS::DynamoDB::Table": {
        "ImportSourceSpecification": "dynamodb:*Import* logs:* s3:*",
        "KinesisStreamSpecification": "dynamodb:*KinesisStreamingDestination kinesis:*",
        "ResourcePolicy": "dynamodb:*ResourcePolicy",
    },
    "AWS::IAM::Role": {"PermissionsBoundary": "iam:*PermissionsBoundary"},
    "AWS::Lambda::Function": {
        "CapacityProviderConfig": "lambda:PassCapacityProvider",
        "CodeSigningConfigArn": "lambda:*CodeSigningConfig",
        "FileSystemConfigs": "elasticfilesystem:* s3files:*",
        "FunctionScalingConfig": "lambda:PutFunctionScalingConfig",
        "PublishToLatestPublished": "lambda:PublishVersion",
        "RuntimeManagementConfig": "lambda:PutRuntimeManagementConfig lambda:AssociateRuntimeAlias",
    },
    "AWS::Logs::LogGroup": {
        "BearerTokenAuthenticationEnabled": "logs:PutBearerTokenAuthentication",
        "DataProtectionPolicy": "logs:*DataProtectionPolicy logs:CreateLogDelivery firehose:* s3:*",
        "DeletionProtectionEnabled": "logs:PutLogGroupDeletionProtection",
        "FieldIndexPolicies": "logs:*IndexPolicy",
        "ResourcePolicyDocument": "logs:*ResourcePolicy",
    },
    "AWS::S3::Bucket": {
        "AbacStatus": "s3:PutBucketAbac",
        "AccelerateConfiguration": "s3:PutAccelerateConfiguration",
        "AccessControl": "s3:Put*Acl",
        "AnalyticsConfigurations": "s3:*AnalyticsConfiguration",
        "CorsConfiguration": "s3:*C[Oo][Rr][Ss]",
        "IntelligentTieringConfigurations": "s3:PutIntelligentTieringConfiguration",
        "InventoryConfigurations": "s3:PutInventoryConfiguration",
        "LoggingConfiguration": "s3:PutBucketLogging",
        "MetadataConfiguration": "s3:*BucketMetadata*Configuration s3tables:*",
        "MetadataTableConfiguration": "s3:*BucketMetadata*Configuration s3tables:*",
        "MetricsConfigurations": "s3:*MetricsConfiguration",
        "NotificationConfiguration": "s3:PutBucketNotification",
        "ObjectLockConfiguration": "s3:PutBucketObjectLock* s3:PutObjectLock*",
        "ReplicationConfiguration": "s3:*Replication*",
        "WebsiteConfiguration": "s3:*BucketWebsite",
    },
    "AWS::SNS::Topic": {"DataProtectionPolicy": "sns:PutDataProtectionPolicy"},
}
# What a type would need to remove a property that template.yaml always sets.
NEVER_REMOVED = {
    "AWS::S3::Bucket": {
        "BucketEncryption": "s3:DeleteBucketEncryption",
        "LifecycleConfiguration": "s3:DeleteBucketLifecycle",
    },
}
# The schema of a table also names what only its replicas need, which are another type.
REPLICAS = (
    "dynamodb:*TableReplica",
    "dynamodb:*Item",
    "dynamodb:Query",
    "dynamodb:Scan",
    "iam:CreateServiceLinkedRole",
)


@pytest.fixture(scope="module")
def translated():
    """The resources of the CloudFormation template that a deployment uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", resources.REGION)
        return translate()["Resources"]


@pytest.fixture(scope="module")
def used_properties(translated):
    """The properties that template.yaml sets, by resource type."""
    properties = {"AWS::SNS::Subscription": {"Endpoint", "Protocol", "TopicArn"}}
    for resource in translated.values():
        properties.setdefault(resource["Type"], set()).update(resource["Properties"])
    return properties


@pytest.fixture(scope="module")
def schemas(used_properties):
    """AWS's schemas of the types in template.yaml."""
    found = {}
    for path in SCHEMAS.glob("*.json"):
        text = path.read_text("utf-8")
        schema = json.loads(text) if '"handlers"' in text else {}
        if schema.get("typeName") in used_properties:
            found[schema["typeName"]] = schema
    return found


def needed_actions(schema):
    """Return the actions that CloudFormation needs to create, read, change and delete a type."""
    return {
        action
        for operation, handler in schema["handlers"].items()
        if operation != "list"
        for action in handler["permissions"]
    }


def is_unused(resource_type, action):
    """Return whether a type needs an action only for what template.yaml does not do."""
    patterns = [
        pattern
        for table in (UNUSED, NEVER_REMOVED)
        for words in table.get(resource_type, {}).values()
        for pattern in words.split()
    ]
    if resource_type == "AWS::DynamoDB::Table":
        patterns += REPLICAS
    return any(fnmatchcase(action, pattern) for pattern in patterns)


def is_allowed(action, arns):
    """Return whether the policy allows an action on one of the ARNs, or on all resources."""
    for statement in POLICY["Statement"]:
        plain = {key: value for key, value in statement.items() if key != "Condition"}
        if any(iam_simulator.allows([plain], action, arn) for arn in arns):
            return True
    return False


def test_the_policy_allows_all_that_the_resources_of_the_template_need(schemas, used_properties):
    assert set(schemas) == set(used_properties) == set(ARNS)
    shared = ["arn:aws:iam::ACCOUNT:role/STACK-RunnerRole-A1", "arn:aws:kms:REGION:ACCOUNT:key/KEY"]
    shared += ["arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-a1/0a1b"]
    shared += ["arn:aws:lambda:REGION:ACCOUNT:layer:CoreLayer:7", "*"]
    shared += ["arn:aws:billing::ACCOUNT:billingview/primary", "arn:aws:apigateway:REGION::/apis"]
    denied = [
        (resource_type, action)
        for resource_type, schema in schemas.items()
        for action in sorted(needed_actions(schema))
        if not is_unused(resource_type, action)
        if not is_allowed(action, [*ARNS[resource_type], *shared])
    ]
    assert denied == []


def test_left_out_actions_belong_to_properties_that_the_template_does_not_set(
    schemas, used_properties
):
    for resource_type, properties in UNUSED.items():
        assert set(properties) <= set(schemas[resource_type]["properties"])
        assert not set(properties) & used_properties[resource_type]
    for resource_type, properties in NEVER_REMOVED.items():
        assert set(properties) <= used_properties[resource_type]
    assert "AWS::DynamoDB::GlobalTable" not in used_properties


def test_the_policy_allows_nothing_that_no_resource_and_no_deployment_needs(schemas):
    needed = set().union(*(needed_actions(schema) for schema in schemas.values()))
    needed = {action.lower() for action in needed}
    # `sam deploy` itself, and its bucket:
    # https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-permissions-cloudformation.html
    needed |= {"s3:abortmultipartupload", "s3:getbucketlocation", "s3:putobject"}
    needed |= {"lambda:getfunctionconfiguration"}
    extra = {
        action
        for statement in POLICY["Statement"]
        for action in iam_simulator.as_list(statement["Action"])
        if action.lower() not in needed and not action.startswith("cloudformation:")
    }
    assert extra == set()


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("dynamodb:GetItem", "arn:aws:dynamodb:REGION:ACCOUNT:table/STACK-Table-A1"),
        ("dynamodb:DeleteTable", "arn:aws:dynamodb:REGION:ACCOUNT:table/other-Table-A1"),
        ("s3:GetObject", "arn:aws:s3:::stack-bucket-a1/messages/1"),
        ("s3:DeleteBucket", "arn:aws:s3:::other-bucket-a1"),
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:REGION:ACCOUNT:secret:STACK/a"),
        ("sqs:ReceiveMessage", "arn:aws:sqs:REGION:ACCOUNT:STACK-MatchQueue-A1.fifo"),
        ("iam:CreateRole", "arn:aws:iam::ACCOUNT:role/admin"),
        ("iam:CreateUser", "arn:aws:iam::ACCOUNT:user/STACK-a"),
        ("lambda:InvokeFunction", "arn:aws:lambda:REGION:ACCOUNT:function:STACK-InboxFunction-A1"),
    ],
)
def test_the_policy_does_not_allow_to_read_data_or_to_change_other_stacks(action, resource):
    assert not is_allowed(action, [resource])


def test_roles_can_be_passed_to_lambda_only():
    (passing,) = [one for one in POLICY["Statement"] if "iam:PassRole" in one["Action"]]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}


def test_the_documented_length_of_a_stack_name_keeps_all_names_within_64_characters(translated):
    # CloudFormation's names of these are `<stack>-<logical id>-<12 characters>`.
    limited = ("AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Events::Rule")
    names = [name for name, resource in translated.items() if resource["Type"] in limited]
    longest = 64 - len("--123456789012") - max(len(name) for name in names)
    assert f"must not have more than {longest} characters then" in DEPLOY_PAGE


def test_the_policy_fits_into_an_inline_policy_of_a_role():
    assert len("".join(json.dumps(POLICY).split())) <= 10_240
