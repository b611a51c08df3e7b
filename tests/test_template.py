"""template.yaml says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import boto3
import pytest
from samtranslator.yaml_helper import yaml_parse

from openfn.aws import Setting
from openfn.queues import RECEIPTS
from workbench import resources

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def template():
    return yaml_parse((ROOT / "template.yaml").read_text("utf-8"))


def test_template_and_code_agree_on_every_environment_name(template):
    given = set(template["Globals"]["Function"]["Environment"]["Variables"])
    for resource in template["Resources"].values():
        given |= set(resource.get("Properties", {}).get("Environment", {}).get("Variables", {}))
    ours = {name for name in given if not name.startswith("POWERTOOLS_")}
    assert ours == set(Setting)


def test_every_setting_is_read_somewhere():
    files = [*ROOT.glob("functions/*/*.py"), *ROOT.glob("layers/core/openfn/*.py")]
    text = "\n".join(path.read_text("utf-8") for path in files)
    assert [name for name in Setting if f"Setting.{name}" not in text] == []


def test_every_function_of_the_template_has_its_handler(template):
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            path = ROOT / resource["Properties"]["CodeUri"] / "app.py"
            assert "def lambda_handler(" in path.read_text("utf-8")


def test_what_holds_data_survives_a_deleted_stack(template):
    for name in ("Table", "Bucket"):
        assert template["Resources"][name]["DeletionPolicy"] == "Retain"
        assert template["Resources"][name]["UpdateReplacePolicy"] == "Retain"


def test_every_parameter_says_what_it_is_for_and_what_it_takes(template):
    for name, parameter in template["Parameters"].items():
        assert parameter["Description"], name
        assert set(parameter) & {"AllowedValues", "AllowedPattern", "MinValue"}, name
    used = (ROOT / "template.yaml").read_text("utf-8")
    assert [name for name in template["Parameters"] if not re.search(rf"!Ref {name}\b", used)] == []


def test_every_queue_has_a_dead_letter_queue_and_hides_what_is_worked_on_long_enough():
    with resources.created({"RunSeconds": "900"}) as made:
        for mapping in made.mappings:
            answer = boto3.client("sqs").get_queue_attributes(
                QueueUrl=mapping.queue_url, AttributeNames=["All"]
            )
            attributes = answer["Attributes"]
            assert "deadLetterTargetArn" in attributes["RedrivePolicy"]
            assert int(attributes["VisibilityTimeout"]) > made.functions[mapping.function].seconds


def test_the_stack_can_be_made_with_a_key_of_the_customer_s_own():
    key = "arn:aws:kms:eu-west-1:123456789012:key/5f1d2c3b-0000-4000-8000-1a2b3c4d5e6f"
    with resources.created({"KmsKeyArn": key}) as made:
        for mapping in made.mappings:
            answer = boto3.client("sqs").get_queue_attributes(
                QueueUrl=mapping.queue_url, AttributeNames=["All"]
            )
            assert answer["Attributes"]["KmsMasterKeyId"] == key


def test_every_function_gets_the_same_environment(template):
    with resources.created({}) as made:
        first, *others = [function.environment for function in made.functions.values()]
        assert all(other == first for other in others)


def test_the_api_has_a_route_for_each_method_a_source_uses():
    with resources.created({}) as made:
        assert set(made.routes) == {(m, "/inbox/{id+}") for m in ("POST", "GET", "HEAD")}
        assert made.schedules == {"rate(1 minute)": "matcher"}


def test_messages_and_runs_expire_in_the_bucket_and_what_jobs_carry_on_does_not(template):
    rules = template["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {rule.get("Prefix") for rule in rules if "ExpirationInDays" in rule}
    assert expiring == {"messages/", "runs/"}


def test_an_id_is_received_as_often_as_the_code_says(template):
    for name in ("MatchQueue", "RunQueue"):
        redrive = template["Resources"][name]["Properties"]["RedrivePolicy"]
        assert redrive["maxReceiveCount"] == RECEIPTS


def test_a_queue_and_its_dead_letter_queue_keep_an_order_alike(template):
    queues = [each for each in template["Resources"].values() if each["Type"] == "AWS::SQS::Queue"]
    assert [each["Properties"]["FifoQueue"] for each in queues] == [True] * 4
