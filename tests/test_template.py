"""template.yaml and the code agree."""

from __future__ import annotations

import re
from pathlib import Path

import boto3
import pytest

from openfn.storage import aws, sqs_batch
from openfn.storage.aws import Setting
from tests.support.call_hooks import hook_aws_call
from tests.support.sam_template import RESOURCES, TEMPLATE, resources_of_type
from workbench.environment import environ
from workbench.local import resources
from workbench.local.template import translate

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = resources_of_type("AWS::Serverless::Function")
QUEUES = resources_of_type("AWS::SQS::Queue")


def queue_attributes(queue_url):
    """Return all attributes of a queue of the embedded stack."""
    response = boto3.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])
    return response["Attributes"]


@pytest.fixture
def translated(monkeypatch):
    """The resources of the CloudFormation template that a deployment uses."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", resources.REGION)
    return translate()["Resources"]


def receive_one(queue_url):
    """Send an item to a queue, receive it and return its receipt handle."""
    sqs = boto3.client("sqs")
    sqs.send_message(
        QueueUrl=queue_url, MessageBody="{}", MessageGroupId="g", MessageDeduplicationId="d"
    )
    (message,) = sqs.receive_message(QueueUrl=queue_url)["Messages"]
    return message["ReceiptHandle"]


def test_template_and_code_use_the_same_environment_variables():
    names = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    for resource in RESOURCES.values():
        names |= set(resource.get("Properties", {}).get("Environment", {}).get("Variables", {}))
    assert {name for name in names if not name.startswith("POWERTOOLS_")} == set(Setting)


def test_every_setting_is_used():
    files = [*ROOT.glob("functions/*/*.py"), *ROOT.glob("layers/core/openfn/**/*.py")]
    text = "\n".join(path.read_text("utf-8") for path in files)
    assert [name for name in Setting if f"Setting.{name}" not in text] == []


def test_every_function_has_a_handler():
    for properties in FUNCTIONS.values():
        path = ROOT / properties["CodeUri"] / "app.py"
        assert "def lambda_handler(" in path.read_text("utf-8")


def test_table_and_bucket_survive_the_deletion_of_the_stack():
    for name in ("Table", "Bucket"):
        # Like Retain, but a failed first deployment leaves nothing behind.
        assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def test_every_parameter_is_described_validated_and_used():
    text = (ROOT / "template.yaml").read_text("utf-8")
    for name, parameter in TEMPLATE["Parameters"].items():
        assert parameter["Description"], name
        assert set(parameter) & {"AllowedValues", "AllowedPattern", "MinValue"}, name
        assert re.search(rf"!Ref {name}\b", text), name


def test_every_parameter_is_in_a_group():
    interface = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(TEMPLATE["Parameters"])


def test_visibility_timeouts_are_longer_than_function_timeouts():
    with resources.create({"RunSeconds": "900"}) as stack:
        for mapping in stack.mappings:
            attributes = queue_attributes(mapping.queue_url)
            timeout = stack.functions[mapping.function].timeout_seconds
            assert int(attributes["VisibilityTimeout"]) > timeout


def test_every_queue_that_a_function_reads_has_a_dead_letter_queue():
    with resources.create({}) as stack:
        assert len(stack.mappings) == 2
        for mapping in stack.mappings:
            redrive_policy = queue_attributes(mapping.queue_url)["RedrivePolicy"]
            assert "deadLetterTargetArn" in redrive_policy


def test_queues_can_use_a_customer_managed_key():
    key = "arn:aws:kms:eu-west-1:123456789012:key/5f1d2c3b-0000-4000-8000-1a2b3c4d5e6f"
    with resources.create({"KmsKeyArn": key}) as stack:
        for mapping in stack.mappings:
            assert queue_attributes(mapping.queue_url)["KmsMasterKeyId"] == key


def test_matcher_has_at_least_the_memory_of_the_inbox():
    memory = {name: properties["MemorySize"] for name, properties in FUNCTIONS.items()}
    assert memory["MatcherFunction"] >= memory["InboxFunction"]


def test_runs_and_matchers_leave_executions_for_posts_in_a_new_account():
    parameters = TEMPLATE["Parameters"]
    limited = [parameters[name]["Default"] for name in ("RunConcurrency", "MatchConcurrency")]
    tick = 1
    assert 10 - sum(limited) - tick >= 2  # AWS gives a new account about ten executions
    with resources.create({"RunConcurrency": "7", "MatchConcurrency": "6"}) as stack:
        limits = {mapping.function: mapping.concurrency for mapping in stack.mappings}
        assert limits == {"runner": 7, "matcher": 6}


def test_memory_for_new_accounts_is_allowed_and_larger_memory_is_explained():
    memory = TEMPLATE["Parameters"]["RunMemory"]
    assert {3008, 3072} <= set(memory["AllowedValues"])
    assert "more than 3008" in " ".join(memory["Description"].split())


def test_all_functions_have_the_same_environment():
    with resources.create({}) as stack:
        first, *others = [function.environment for function in stack.functions.values()]
        assert all(other == first for other in others)


def test_the_api_has_a_route_for_each_method_that_sources_use():
    with resources.create({}) as stack:
        methods = ("POST", "PUT", "PATCH", "GET", "HEAD")
        assert set(stack.routes) == {(method, "/inbox/{id+}") for method in methods}
        assert stack.schedules == {"rate(1 minute)": "matcher"}


def test_messages_and_runs_expire_in_the_bucket_and_cron_states_do_not():
    rules = RESOURCES["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {rule.get("Prefix") for rule in rules if "ExpirationInDays" in rule}
    assert expiring == {"messages/", "runs/"}


def test_queues_deliver_an_item_as_often_as_the_code_expects():
    receives = {"MatchQueue": sqs_batch.MATCH_RECEIVES, "RunQueue": sqs_batch.RUN_RECEIVES}
    for name, count in receives.items():
        assert QUEUES[name]["RedrivePolicy"]["maxReceiveCount"] == count


@pytest.mark.parametrize("run_seconds", TEMPLATE["Parameters"]["RunSeconds"]["AllowedValues"])
def test_last_receive_comes_before_the_queue_deletes_an_id(run_seconds):
    hidden = {
        "MatchQueue": QUEUES["MatchQueue"]["VisibilityTimeout"],
        "RunQueue": TEMPLATE["Mappings"]["RunTimes"][run_seconds]["Hidden"],
    }
    for name, seconds in hidden.items():
        receives = QUEUES[name]["RedrivePolicy"]["maxReceiveCount"]
        assert seconds * receives < QUEUES[name]["MessageRetentionPeriod"] == 14 * 86_400


def test_queues_and_dead_letter_queues_are_fifo():
    assert [queue["FifoQueue"] for queue in QUEUES.values()] == [True] * 4


def test_a_failing_tick_is_not_invoked_again(translated):
    (config,) = [
        resource["Properties"]
        for resource in translated.values()
        if resource["Type"] == "AWS::Lambda::EventInvokeConfig"
    ]
    assert config["FunctionName"] == {"Ref": "MatcherFunction"}
    assert config["MaximumRetryAttempts"] == 0
    assert config["MaximumEventAgeInSeconds"] == 60  # the shortest that Lambda allows


def test_lambda_does_not_cut_chains_of_emitted_messages(translated):
    for name in ("MatcherFunction", "RunnerFunction"):
        assert translated[name]["Properties"]["RecursiveLoop"] == "Allow"
    assert "RecursiveLoop" not in translated["InboxFunction"]["Properties"]


def test_a_wait_on_the_queue_never_exceeds_twelve_hours_after_the_receive():
    longest_run = max(int(seconds) for seconds in TEMPLATE["Mappings"]["RunTimes"])
    with resources.create({"RunSeconds": str(longest_run)}) as stack:
        (mapping,) = [one for one in stack.mappings if one.function == "runner"]
        visibility_timeouts = []

        def record(params, **_):
            visibility_timeouts.append(params["VisibilityTimeout"])

        with (
            environ(stack.functions["runner"].environment),
            hook_aws_call("provide-client-params.sqs.ChangeMessageVisibility", record),
        ):
            receipt_handle = receive_one(mapping.queue_url)
            aws.set_visibility_timeout(Setting.RUN_QUEUE_URL, receipt_handle, 7 * 86_400)
        # SQS counts from the receive and refuses more. The run may have used its whole timeout.
        assert visibility_timeouts[0] + longest_run <= 12 * 3600


def test_the_runner_and_no_other_function_can_be_in_a_vpc(translated):
    network = {"SubnetIds": {"Ref": "SubnetIds"}, "SecurityGroupIds": {"Ref": "SecurityGroupIds"}}
    configured = {
        name: resource["Properties"]["VpcConfig"]
        for name, resource in translated.items()
        if "VpcConfig" in resource["Properties"]
    }
    assert configured == {"RunnerFunction": {"Fn::If": ["InVpc", network, {"Ref": "AWS::NoValue"}]}}


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("SubnetIds", ["", "subnet-0a1b2c3d4e5f60718"], ["sg-0a1b", "subnet-", "10.0.0.0/24"]),
        ("SecurityGroupIds", ["", "sg-0a1b2c3d4e5f60718"], ["subnet-0a1b", "default"]),
    ],
)
def test_ids_of_the_network_are_validated(parameter, good, bad):
    pattern = re.compile(TEMPLATE["Parameters"][parameter]["AllowedPattern"])
    assert all(pattern.search(value) for value in good)
    assert not any(pattern.search(value) for value in bad)


def test_a_budget_sends_mail_before_and_when_it_is_used_up_if_there_is_an_address():
    budget = RESOURCES["Budget"]
    assert budget["Condition"] == "HasBudget"
    notifications = budget["Properties"]["NotificationsWithSubscribers"]
    limits = [
        (entry["Notification"]["NotificationType"], entry["Notification"]["Threshold"])
        for entry in notifications
    ]
    assert limits == [("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    mail = [{"SubscriptionType": "EMAIL", "Address": {"Ref": "AlarmEmail"}}]
    assert all(entry["Subscribers"] == mail for entry in notifications)


def test_new_parameters_change_nothing_unless_they_are_set():
    defaults = {name: value["Default"] for name, value in TEMPLATE["Parameters"].items()}
    assert (defaults["SubnetIds"], defaults["SecurityGroupIds"]) == ("", "")
    assert defaults["MonthlyBudget"] == 0


def test_a_deployment_with_half_a_network_or_a_budget_without_address_is_refused():
    reasons = {
        assertion["AssertDescription"]
        for rule in TEMPLATE["Rules"].values()
        for assertion in rule["Assertions"]
    }
    assert reasons == {
        "SubnetIds needs SecurityGroupIds.",
        "SecurityGroupIds needs SubnetIds.",
        "MonthlyBudget needs AlarmEmail.",
        "RunMemory=256 is enough for at most RunsPerRunner=4.",
    }


def test_the_alarm_for_missing_ticks_is_created_after_the_tick(translated):
    assert translated["NoTicksAlarm"]["DependsOn"] == "MatcherFunctionTick"
    assert translated["MatcherFunctionTick"]["Type"] == "AWS::Events::Rule"
