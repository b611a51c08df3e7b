"""`ofn doctor` on a new AWS account, on a deployed stack and on the stack of `ofn serve`."""

from __future__ import annotations

import json

import boto3
import pytest

from tests.conftest import ROOT, write_project
from tests.support import aws_responses as aws
from tests.support.moto_server import serve_aws
from tests.support.moto_stack import create_stack
from workbench.doctor import account, machine
from workbench.environment import environ
from workbench.stack import deployment, sam_config

PROJECT = """
inboxes:
  kobo: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000000",
    auth: {basic: kobo-login}}
triggers: {form: {inbox: kobo, inclusion: {}}}
credentials: {registry: {adaptor: http}, unused: {adaptor: http}}
jobs: {job-a: {trigger: form, credential: registry, expression: jobs/a.py}}
"""
NO_STACK = aws.error("ValidationError", "Stack with id openfn does not exist")
# Composed from the shapes in AWS's API references, for an account as AWS creates it: about ten
# executions at the same time, and no stack.
NEW_ACCOUNT = {
    "GetCallerIdentity": aws.IDENTITY,
    "DescribeStacks": NO_STACK,
    "GetAccountSettings": aws.account_settings(10),
}
SUBSCRIBED = "arn:aws:sns:eu-west-1:111122223333:openfn-Alerts-1:8a21d249"
# The same for an account that AWS has raised, with a deployed stack and nothing missing.
HEALTHY = {
    **NEW_ACCOUNT,
    "GetAccountSettings": aws.account_settings(1_000),
    "DescribeStacks": aws.described_stack(RunConcurrency="20", AlarmEmail="oncall@example.org"),
    "DescribeStackResource": aws.STACK_RESOURCE,
    "ListSecrets": aws.secrets("openfn/credentials/registry", "openfn/inboxes/kobo-login"),
    "ListSubscriptionsByTopic": aws.subscriptions(oncall=SUBSCRIBED),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    write_project(folder, PROJECT, {"a": "from adaptors.common import fn\nfn(lambda s: s)\n"})
    return folder


@pytest.fixture(autouse=True)
def _variables(monkeypatch, tmp_path):
    """Set credentials and a region as on an engineer's machine."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


@pytest.fixture
def doctor(ofn, folder):
    """Run `ofn doctor --json` and return its exit status and its checks by name."""

    def run(answers, *arguments):
        with aws.answering(answers) as hosts:
            ended = ofn("doctor", "--project", folder, "--json", *arguments)
        assert ended.err == ""
        assert all("eu-west-1" in host for host in hosts)
        checks = {check["check"]: check for check in json.loads(ended.out)["checks"]}
        return ended.status, checks

    return run


def states(checks, *names):
    return [checks[name]["state"] for name in names]


def test_new_account_has_too_few_executions_and_nothing_else_to_fix(doctor):
    status, checks = doctor(NEW_ACCOUNT)
    assert status == 1
    problems = [name for name, check in checks.items() if check["state"] == "problem"]
    assert problems == ["concurrency"]
    assert "10 executions at the same time in this account" in checks["concurrency"]["text"]
    assert (
        "runners take up to 4 (for 16 runs), matchers 3, the tick 1: 2 for posts"
        in checks["concurrency"]["text"]
    )
    assert "L-B99A9384" in checks["concurrency"]["fix"]
    assert "`make deploy` creates it" in checks["stack"]["text"]
    assert {"secrets", "alarm mail"} & set(checks) == set()
    assert checks["credentials"]["text"] == (
        "Account 111122223333, as arn:aws:iam::111122223333:user/asha."
    )


def test_deployed_stack_without_problems(doctor):
    status, checks = doctor(HEALTHY)
    assert status == 0
    assert "problem" not in states(checks, *checks)
    assert "runners take up to 20 (for 80 runs), matchers 3" in checks["concurrency"]["text"]
    assert checks["alarm mail"]["text"] == "Goes to oncall@example.org."
    assert checks["secrets"]["text"] == "2 needed, none missing."


@pytest.mark.parametrize(
    ("name", "answers", "text", "fix"),
    [
        (
            "secrets",
            {"ListSecrets": aws.secrets("openfn/credentials/other")},
            "Missing: openfn/credentials/registry, openfn/inboxes/kobo-login.",
            "`ofn credential set registry --stack openfn`",
        ),
        (
            "alarm mail",
            {"ListSubscriptionsByTopic": aws.subscriptions(oncall="PendingConfirmation")},
            "Not confirmed: oncall@example.org.",
            "confirm it",
        ),
        (
            "alarm mail",
            {"ListSubscriptionsByTopic": aws.subscriptions(oncall="Deleted")},
            "Nobody gets alarms.",
            "`aws sns subscribe --topic-arn arn:aws:sns:eu-west-1:111122223333:openfn-Alerts-1",
        ),
        (
            "alarm mail",
            {
                "ListSubscriptionsByTopic": aws.subscriptions(),
                "DescribeStacks": aws.described_stack(),
            },
            "Nobody gets alarms.",
            "Set AlarmEmail",
        ),
        (
            "stack",
            {"DescribeStacks": aws.described_stack("ROLLBACK_COMPLETE")},
            "openfn is ROLLBACK_COMPLETE. It cannot be updated.",
            "sam delete --stack-name openfn",
        ),
        (
            "stack",
            {"DescribeStacks": aws.described_stack("UPDATE_ROLLBACK_FAILED")},
            "openfn is UPDATE_ROLLBACK_FAILED.",
            "Continue update rollback",
        ),
        (
            "concurrency",
            {"DescribeStacks": aws.described_stack(RunConcurrency="990")},
            "6 for posts",
            "Lower RunConcurrency",
        ),
        (
            "concurrency",
            {"GetAccountSettings": aws.account_settings(1_000, 40)},
            "960 of them reserved by other functions",
            "Lower RunConcurrency",
        ),
    ],
    ids=[
        "missing secrets",
        "pending mail",
        "deleted subscription",
        "no mail",
        "failed first deployment",
        "failed rollback",
        "too many runs",
        "reserved by others",
    ],
)
def test_each_problem_of_a_deployed_stack_has_a_fix(doctor, name, answers, text, fix):
    status, checks = doctor({**HEALTHY, **answers})
    assert status == 1
    assert checks[name]["state"] == "problem"
    assert text in checks[name]["text"]
    assert fix in checks[name]["fix"]


def test_memory_that_a_new_account_refuses_is_a_problem_until_it_is_deployed():
    wanted = {"RunMemory": "3072"}
    with aws.answering({"GetAccountSettings": aws.account_settings(100)}):
        refused = account.check_memory(wanted)
        assert refused.state == "problem"
        assert "A new account refuses more than 3,008 MB." in refused.text
        assert account.check_memory(wanted, "3072").state == "ok"
        assert account.check_memory({"RunMemory": "3008"}).state == "ok"
    with aws.answering({"GetAccountSettings": aws.account_settings(1_000)}):
        assert account.check_memory(wanted).state == "ok"


def test_refused_calls_are_reported_as_not_checked(doctor):
    denied = aws.error("AccessDenied", "User: asha is not authorized", 403)
    status, checks = doctor(
        {
            "GetCallerIdentity": aws.IDENTITY,
            "DescribeStacks": denied,
            "DescribeStackResource": denied,
            "GetAccountSettings": aws.json_error("AccessDeniedException", "not authorized"),
            "ListSecrets": aws.json_error("AccessDeniedException", "not authorized"),
        }
    )
    assert status == 0
    names = ("stack", "concurrency", "secrets", "alarm mail")
    assert states(checks, *names) == ["not checked"] * 4
    assert "not allowed to call GetAccountSettings" in checks["concurrency"]["text"]
    assert "docs/security.md" in checks["secrets"]["fix"]


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        ("ExpiredToken", "aws sso login"),
        ("InvalidClientTokenId", "has not enabled this region"),
        ("RequestExpired", "clock of this machine"),
    ],
)
def test_credentials_that_aws_does_not_accept_are_a_problem(doctor, code, fix):
    status, checks = doctor({"GetCallerIdentity": aws.error(code, "no", 403)})
    assert (status, checks["credentials"]["state"]) == (1, "problem")
    assert code in checks["credentials"]["text"]
    assert fix in checks["credentials"]["fix"]
    assert states(checks, "stack", "concurrency", "alarm mail") == ["not checked"] * 3


def test_missing_credentials_profile_and_region_are_problems(doctor, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    _, checks = doctor({})
    assert checks["credentials"]["text"] == "There are no AWS credentials."
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    status, checks = doctor({})
    assert (status, checks["region"]["text"]) == (1, "No region is set.")


def test_unreachable_aws_is_a_problem(ofn, folder, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    ended = ofn("doctor", "--project", folder)
    assert ended.status == 1
    assert "AWS cannot be reached" in ended.out


def test_different_region_variables_are_a_problem(doctor, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    status, checks = doctor(HEALTHY)
    assert status == 1
    assert "AWS_DEFAULT_REGION=us-east-1 is not used" in checks["region"]["text"]


def test_stack_that_nothing_names_is_a_problem(doctor):
    status, checks = doctor(NEW_ACCOUNT, "--stack", "opnfn")
    assert (status, checks["stack"]["state"]) == (1, "problem")
    assert "no stack opnfn" in checks["stack"]["text"]


def test_doctor_prints_each_check_with_its_fix(ofn, folder):
    with aws.answering(NEW_ACCOUNT):
        ended = ofn("doctor", "--project", folder)
    assert ended.status == 1
    (line,) = [line for line in ended.out.splitlines() if "concurrency" in line]
    assert line.startswith("problem")
    assert "Ask AWS for 1,000" in ended.out
    assert ended.out.splitlines()[-1].startswith("1 problem")


def test_stack_of_serve_has_no_problem_until_a_secret_is_missing(ofn, folder):
    with create_stack(folder) as stack, serve_aws(0) as endpoint:
        # Not while a test's own clients are created: they are cached.
        serving = {"AWS_ENDPOINT_URL": endpoint}
        with environ(serving):
            missing = ofn("doctor", "--project", folder)
        assert missing.status == 1
        assert "Missing: openfn/credentials/registry" in missing.out
        stack.set_credential("registry", {"baseUrl": "https://example.org"})
        stack.set_inbox_secret("kobo-login", {"username": "kobo", "password": "secret"})
        with environ(serving):
            ended = ofn("doctor", "--project", folder)
        assert (ended.status, ended.err) == (0, "")
        assert "concurrency" not in ended.out


def test_invalid_project_is_a_problem_and_the_other_checks_go_on(ofn, tmp_path):
    with aws.answering(HEALTHY):
        ended = ofn("doctor", "--project", tmp_path, "--json")
    checks = {check["check"]: check["state"] for check in json.loads(ended.out)["checks"]}
    assert (checks["project"], checks["concurrency"]) == ("problem", "ok")


def test_layers_are_compared_with_the_limit_of_lambda(tmp_path):
    assert machine.check_layers(tmp_path).state == "not checked"
    for name, size in (("CoreLayer", 2**20), ("ProjectLayer", 249 * 2**20)):
        (tmp_path / name).mkdir()
        with (tmp_path / name / "file").open("wb") as file:
            file.truncate(size)
    assert machine.check_layers(tmp_path).text.startswith("CoreLayer 1.0 MB, ProjectLayer 249.0 MB")
    (tmp_path / "CoreLayer/more").write_bytes(b"x")
    assert machine.check_layers(tmp_path).state == "problem"


def test_unsupported_python_is_a_problem():
    assert machine.check_python().state == "ok"
    assert machine.check_python((3, 10)).state == machine.check_python((3, 15)).state == "problem"


def test_samconfig_is_read_with_region_profile_and_parameters(tmp_path):
    file = tmp_path / "samconfig.toml"
    file.write_text(
        "version = 0.1\n"
        '[north.global.parameters]\nstack_name = "north"\nregion = "eu-north-1"\n'
        "[north.deploy.parameters]\n"
        'parameter_overrides = ["RunMemory=3008", "AlarmEmail=\'a@example.org\'"]\n',
        "utf-8",
    )
    (north,) = sam_config.read(file).values()
    assert (north.stack, north.region, north.profile) == ("north", "eu-north-1", None)
    assert north.parameters == {"RunMemory": "3008", "AlarmEmail": "a@example.org"}
    assert sam_config.read(tmp_path / "missing.toml") == {}
    assert {"RunConcurrency", "MatchConcurrency", "RunMemory"} <= set(
        sam_config.template_defaults()
    )


def test_make_deploy_names_stack_account_and_region_before_sam_runs():
    with aws.answering(NEW_ACCOUNT):
        text = deployment.describe("staging")
    assert text == (
        "Stack openfn-staging: account 111122223333, region eu-west-1 (from AWS_REGION), "
        "as arn:aws:iam::111122223333:user/asha"
    )
    rule = (ROOT / "Makefile").read_text("utf-8").split("\ndeploy: ")[1].split("\n\n")[0]
    assert rule.index("workbench.stack.deployment $(ENV)") < rule.index("$(SAM) deploy")
