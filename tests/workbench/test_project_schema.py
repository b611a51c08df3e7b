"""The schema of project.yaml and its validation messages."""

from __future__ import annotations

import json

import pytest

import adaptors
from tests.workbench.conftest import DIGEST, GOOD
from workbench.project.schema.validation import validate_project
from workbench.project.yaml_source import read_yaml

A, B = DIGEST, "b" * 64
HASH = f"{{id_sha256: {A}}}"
INCLUSION = "inclusion: {formId: registration}"


@pytest.fixture
def parse(project):
    """Parse a valid project with one change."""

    def parse(old, new):
        spec, problems = validate_project(read_yaml(project.change(old, new)))
        assert problems == []
        return spec

    return parse


@pytest.fixture
def problems_of(project):
    """Return the printed problems of a valid project after one change."""

    def problems_of(old, new):
        spec, problems = validate_project(read_yaml(project.change(old, new)))
        assert spec is None
        return [str(problem) for problem in problems]

    return problems_of


def test_valid_project_is_parsed(project):
    spec, problems = validate_project(read_yaml(project.folder / "project.yaml"))
    assert problems == []
    trigger, job = spec.triggers["form"], spec.jobs["go"]
    assert (spec.name, spec.inboxes["field"].id_sha256) == ("demo", [A])
    assert (trigger.inbox, trigger.inclusion) == (None, [{"formId": "registration"}])
    assert (trigger.exclusion, spec.credentials) == ([], {})
    assert (job.trigger, job.credential, job.expression) == (["form"], None, "jobs/go.py")


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n", "---\n", "~\n"])
def test_empty_file_lists_the_keys_to_write(project, text):
    _, problems = validate_project(read_yaml(project.write("project.yaml", text)))
    assert [str(problem) for problem in problems] == [
        (
            "project.yaml:1: The file is empty. "
            "Write the keys name, inboxes, triggers, credentials, jobs, timezone, missing."
        )
    ]


@pytest.mark.parametrize("text", ["- name: demo\n- jobs\n", "hello\n", "12\n"])
def test_file_without_keys_lists_the_keys_to_write(project, text):
    _, problems = validate_project(read_yaml(project.write("project.yaml", text)))
    assert [str(problem) for problem in problems] == [
        (
            "project.yaml:1: Write keys below it: "
            "name, inboxes, triggers, credentials, jobs, timezone, missing."
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "location", "text"),
    [
        ("name: demo\n", "", ":1: ", "The key `name` is missing. Write `name: "),
        ("    expression: jobs/go.py\n", "", ":8: jobs.go: ", "The key `expression` is missing"),
        ("    trigger: form\n", "", ":8: jobs.go: ", "The key `trigger` is missing"),
        (HASH, "{}", ":3: inboxes.field: ", "The key `id_sha256` is missing"),
        (INCLUSION, "inbox: field", ":5: triggers.form: ", "The key `inclusion` is missing"),
        ("name: demo", "name: 12", ":1: name: ", "Text is expected here. Put the value in quotes."),
        ("name: demo", "name:", ":1: name: ", "A value is missing."),
        ("name: demo", "name: demo\nmissing: empty", ":2: missing: ", "Write null, to send null"),
        (
            "trigger: form",
            "trigger: {inclusion: {}}",
            ":9: jobs.go.trigger: ",
            "Write one text, not a list or keys.",
        ),
        ("trigger: form", "trigger: [[form]]", ":9: jobs.go.trigger.0: ", "Write one text"),
        ("trigger: form", "trigger: []", ":9: jobs.go.trigger: ", "At least one is needed."),
        ("trigger: form", "trigger:", ":9: jobs.go.trigger: ", "A value is missing."),
        ("trigger: form", "trigger: form, x", ":9: jobs.go.trigger: ", "as a list: [form, x]."),
        (
            "trigger: form",
            "trigger:\n    - form\n    - other\n    - form",
            ":12: jobs.go.trigger.2: ",
            "form is there twice. Remove it here.",
        ),
        (
            "trigger: form",
            "trigger: form\n    triggers: [form]",
            ":10: jobs.go.triggers: ",
            "`trigger` has one name or a list. Keep one of the keys.",
        ),
        ("name: demo", "name: my démo!", ":1: name: ", "Begin with a letter or digit"),
        ("  go:\n", "  gö/..:\n", ":8: jobs.gö/..: ", "then use only letters, digits, - and _"),
        (
            "  go:\n",
            "  'go home':\n",
            ":8: jobs.go home: ",
            "then use only letters, digits, - and _",
        ),
        ("  go:\n", f"  {'g' * 65}:\n", ":8: jobs.ggg", "(at most 64)"),
        ("  go:\n", "  12:\n", ":8: jobs.12: ", "Put the value in quotes."),
        (HASH, "", ":3: inboxes.field: ", "Write keys below it: id_sha256"),
        (f"    {INCLUSION}\n", "", ":5: triggers.form: ", "Write keys below it: inbox, inclusion"),
        (f"  field: {HASH}\n", "", ":2: inboxes: ", "a name for each entry, with its own keys"),
        (f"  field: {HASH}", "  {}", ":2: inboxes: ", "The trigger form needs an inbox."),
        (f"inboxes:\n  field: {HASH}\n", "", ":1: inboxes: ", "The trigger form needs an inbox."),
    ],
)
def test_invalid_key_or_value_is_reported_with_line_and_fix(problems_of, old, new, location, text):
    (problem,) = problems_of(old, new)
    assert problem.startswith(f"project.yaml{location}")
    assert text in problem


def test_misspelled_key_is_reported_on_its_line_with_a_suggestion(problems_of):
    missing, misspelled = problems_of("inclusion:", "inclusions:")
    assert missing.startswith("project.yaml:5: triggers.form: The key `inclusion` is missing.")
    assert misspelled == (
        "project.yaml:6: triggers.form.inclusions: There is no such key. Did you mean `inclusion`?"
    )


def test_unknown_key_is_reported_with_the_keys_that_exist(problems_of):
    secret = "credentials:\n  dhis2:\n    adaptor: http\n    password: hunter2\n"
    assert problems_of("jobs:\n", f"{secret}jobs:\n") == [
        (
            "project.yaml:10: credentials.dhis2.password: There is no such key. "
            "The keys are: adaptor, max_concurrency, refresh."
        )
    ]


def test_unknown_adaptor_is_reported_with_the_adaptors_that_exist(problems_of):
    old = "jobs:\n"
    assert problems_of(old, "credentials:\n  registry: {adaptor: htpp}\njobs:\n") == [
        (
            "project.yaml:8: credentials.registry.adaptor: There is no adaptor `htpp`. "
            f"The adaptors are: {', '.join(adaptors.names())}."
        )
    ]


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("max_concurrency: 0", "registry.max_concurrency: Write 1 or more."),
        ("max_concurrency: many", "registry.max_concurrency: Write a whole number."),
        ("max_concurrency: 9999", "registry.max_concurrency: Write 1000 or less."),
    ],
)
def test_invalid_option_of_a_credential_is_reported(problems_of, option, text):
    credentials = f"credentials:\n  registry:\n    adaptor: http\n    {option}\n"
    (problem,) = problems_of("jobs:\n", f"{credentials}jobs:\n")
    assert problem == f"project.yaml:10: credentials.{text}"


@pytest.mark.parametrize(
    ("retry", "text"),
    [
        ("{attempts: 1.5}", "retry.attempts: Write a whole number."),
        ("{attempts: [1]}", "retry.attempts: Write a whole number."),
        ("{fresh: maybe}", "retry.fresh: Write true or false."),
        ("{fresh: [1]}", "retry.fresh: Write true or false."),
        ("often", "retry: Write keys below it: attempts, up_to, fresh."),
        (
            "{number: 3}",
            "retry.number: There is no such key. The keys are: attempts, up_to, fresh.",
        ),
    ],
)
def test_invalid_retry_option_is_reported(problems_of, retry, text):
    (problem,) = problems_of("    trigger: form\n", f"    trigger: form\n    retry: {retry}\n")
    assert problem == f"project.yaml:10: jobs.go.{text}"


@pytest.mark.parametrize(
    "digest", ["abc", A[1:], A.upper(), "g" * 64, "12", "[]", f"[{A}, 7]", "~"]
)
def test_invalid_hash_is_reported_with_the_expected_format(problems_of, digest):
    (problem,) = problems_of(A, digest)
    assert problem.startswith("project.yaml:3: inboxes.field.id_sha256")
    assert problem.endswith("Write the SHA-256 of the inbox's id: 64 characters, 0-9 and a-f.")


def test_inbox_can_have_two_hashes(parse):
    spec = parse(HASH, f"{{id_sha256: [{A}, {B}]}}")
    assert spec.inboxes["field"].id_sha256 == [A, B]


def test_one_invalid_hash_of_two_is_reported_on_its_line(problems_of):
    (problem,) = problems_of(HASH, f"\n    id_sha256:\n      - {A}\n      - zzz")
    assert problem.startswith("project.yaml:6: inboxes.field.id_sha256.1: ")


def test_two_inboxes_cannot_have_the_same_hash(problems_of):
    (problem,) = problems_of("triggers:\n", f"  other: {HASH}\ntriggers:\n")
    assert problem.startswith(
        "project.yaml:4: inboxes.other.id_sha256: The inbox field has the same id."
    )


def test_criteria_is_an_inclusion_as_json_text(parse):
    spec = parse(INCLUSION, """criteria: '{"form": {"@name": "Visit"}, "n": 1.50}'""")
    assert spec.triggers["form"].inclusion == [{"form": {"@name": "Visit"}, "n": 1.5}]


@pytest.mark.parametrize(
    ("yaml", "location", "text"),
    [
        (
            """criteria: '{"a": }'""",
            "criteria: ",
            "Write a fragment as JSON text. This is not JSON: Expecting value (line 1, column 7).",
        ),
        (
            "criteria: {a: 1}",
            "criteria: ",
            "as JSON text in quotes, or use `inclusion` without quotes",
        ),
        ("criteria: ''", "criteria: ", "Write a fragment as JSON text."),
        ("criteria: 'null'", "criteria: ", "The fragment is empty."),
        ("""criteria: '{"a": [NaN]}'""", "criteria.a.0: ", "JSON has no such number"),
        ("""criteria: '{"a": 0.12345678901234567890}'""", "criteria.a: ", "too many digits"),
        ("""criteria: '{"a": 1e9999999999999999999}'""", "criteria.a: ", "no such number"),
        (f"criteria: '{'[' * 60}{']' * 60}'", "criteria: ", "at most 50 levels deep"),
        (f"criteria: '{'[' * 99999}'", "criteria: ", "Write a fragment as JSON text."),
        ("inclusion: {}\n    criteria: '{}'", "criteria: ", "Keep one of them."),
    ],
    ids=lambda value: value[:40],
)
def test_invalid_criteria_is_reported_on_its_line(problems_of, yaml, location, text):
    (problem,) = problems_of(INCLUSION, yaml)
    line = 5 + len(yaml.split("\n"))
    assert problem.startswith(f"project.yaml:{line}: triggers.form.{location}")
    assert text in problem


@pytest.mark.parametrize(
    ("yaml", "exclusions"),
    [
        ("{_status: draft}", [{"_status": "draft"}]),
        ("[{_status: draft}, {test: true}]", [{"_status": "draft"}, {"test": True}]),
        ("\n      - {_status: draft}\n      - [1]", [{"_status": "draft"}, [1]]),
        ("draft", ["draft"]),
    ],
)
def test_exclusion_is_one_fragment_or_a_list(parse, yaml, exclusions):
    spec = parse(INCLUSION, f"{INCLUSION}\n    exclusion: {yaml}")
    assert spec.triggers["form"].exclusion == exclusions


@pytest.mark.parametrize(
    ("yaml", "names"),
    [
        ("trigger: form", ["form"]),
        ("trigger: [form, other]", ["form", "other"]),
        ("triggers: [form, other]", ["form", "other"]),
        ("triggers: form", ["form"]),
        ("trigger:\n    - form\n    - other", ["form", "other"]),
    ],
)
def test_job_has_one_trigger_or_a_list(parse, yaml, names):
    assert parse("trigger: form", yaml).jobs["go"].trigger == names


@pytest.mark.parametrize(
    ("yaml", "inclusions"),
    [
        ("{form: a}", [{"form": "a"}]),
        ("[{form: a}, {form: b}]", [{"form": "a"}, {"form": "b"}]),
        ("\n      - {form: a}\n      - [1]", [{"form": "a"}, [1]]),
        ("[[{form: a}]]", [[{"form": "a"}]]),
        ("[[]]", [[]]),
        ("7", [7]),
    ],
)
def test_inclusion_is_one_fragment_or_a_list(parse, yaml, inclusions):
    assert parse(INCLUSION, f"inclusion: {yaml}").triggers["form"].inclusion == inclusions


@pytest.mark.parametrize("text", ['[{"form": "a"}]', '"a"', "[]"])
def test_list_in_criteria_is_one_fragment(parse, text):
    spec = parse(INCLUSION, f"criteria: '{text}'")
    assert spec.triggers["form"].inclusion == [json.loads(text)]


@pytest.mark.parametrize(
    ("yaml", "location", "text"),
    [
        ("[]", ":6: triggers.form.inclusion: ", "Write at least one, or [[]] for any list."),
        ("\n    - {a: 1}\n    -", ":8: triggers.form.inclusion.1: ", "The fragment is empty."),
        ("\n    - {a: 1}\n    - b", ":8: triggers.form.inclusion.1: ", "This is text."),
        ("form", ":6: triggers.form.inclusion: ", "This is text."),
        ("\n    - {a: 1}\n    - {b: .inf}", ":8: triggers.form.inclusion.1.b: ", "no such number"),
    ],
)
def test_invalid_fragment_in_a_list_is_reported_on_its_line(problems_of, yaml, location, text):
    (problem,) = problems_of(INCLUSION, f"inclusion: {yaml}")
    assert problem.startswith(f"project.yaml{location}")
    assert text in problem


@pytest.mark.parametrize(
    ("yaml", "value"),
    [
        ("{consent: yes, visit: 2019-12-01}", {"consent": "yes", "visit": "2019-12-01"}),
        ("{a: true, b: 1, c: 1.0, d: ~, e: []}", {"a": True, "b": 1, "c": 1.0, "d": None, "e": []}),
        ("{group1/name: x, '@xmlns': y, a.b: z}", {"group1/name": "x", "@xmlns": "y", "a.b": "z"}),
        ("&x {a: {b: c}}\n    exclusion: *x", {"a": {"b": "c"}}),
        ("{n: 123456789012345678901234567890}", {"n": 123456789012345678901234567890}),
        ("{}", {}),
    ],
)
def test_fragment_can_have_any_json_value(parse, yaml, value):
    trigger = parse("{formId: registration}", yaml).triggers["form"]
    assert repr(trigger.inclusion) == repr([value])  # 1, 1.0 and true are equal but different


@pytest.mark.parametrize(
    ("yaml", "location", "text"),
    [
        ("", ":6: triggers.form.inclusion: ", "The fragment is empty. Write one"),
        ("{a: .nan}", ":6: triggers.form.inclusion.a: ", "JSON has no such number"),
        ("{a: [1, -.inf]}", ":6: triggers.form.inclusion.a.1: ", "JSON has no such number"),
        ("{a: 0.12345678901234567890}", ":6: triggers.form.inclusion.a: ", "too many digits"),
        (f"{{a: {'9' * 5000}}}", ":6: triggers.form.inclusion.a: ", "too many digits"),
        ("{1: b}", ":6: triggers.form.inclusion.1: ", "A key must be text. Put it in quotes."),
        (
            "\n      a:\n      - b: 1\n      - 2019: c",
            ":9: triggers.form.inclusion.a.1.2019",
            "text",
        ),
        ("\n      ok: 1\n      ~: c", ":8: triggers.form.inclusion.None", "Put it in quotes."),
        ("{a: !!binary aGk=}", ":6: triggers.form.inclusion.a: ", "JSON has no such value"),
        ("{}\n    exclusion:", ":7: triggers.form.exclusion: ", "The fragment is empty."),
        ("{}\n    exclusion:\n      a: .inf", ":8: triggers.form.exclusion.a: ", "no such number"),
        (
            "{}\n    exclusion:\n    - a\n    - b: .inf",
            ":9: triggers.form.exclusion.1.b: ",
            "number",
        ),
    ],
    ids=lambda value: value[:40],
)
def test_value_that_json_cannot_have_is_reported_on_its_line(problems_of, yaml, location, text):
    (problem,) = problems_of("{formId: registration}", yaml)
    assert problem.startswith(f"project.yaml{location}")
    assert text in problem


def test_all_problems_are_reported(problems_of):
    problems = problems_of(GOOD, "x: 1\n" + GOOD.replace(A, "z"))
    assert sorted(problem.split(": ")[0] for problem in problems) == [
        "project.yaml:1",
        "project.yaml:4",
    ]


@pytest.mark.parametrize(
    ("yaml", "cron"),
    [
        ("'0 1 * * *'", "0 1 * * *"),
        ('"  */5   8-17 * * mon-fri "', "*/5 8-17 * * mon-fri"),
        ("'0 0 1,15 JAN-mar,12 0'", "0 0 1,15 JAN-mar,12 0"),
        ("'0 0 L * *'", "0 0 L * *"),
        ("'@daily'", "0 0 * * *"),
        ("'@Weekly'", "0 0 * * 0"),
        ("0 1 * * 1", "0 1 * * 1"),
    ],
)
def test_cron_expression_has_five_fields_or_is_a_usual_name(parse, yaml, cron):
    trigger = parse(INCLUSION, f"cron: {yaml}").triggers["form"]
    assert (trigger.cron, trigger.catch_up) == (cron, 1440)


@pytest.mark.parametrize(
    ("yaml", "text"),
    [
        ("'* * * *'", "Write five fields (minute, hour, day of the month, month, day of the week)"),
        ("'0 0 1 * * *'", "such as '0 1 * * *'. This has 6."),
        ("rate(5 minutes)", "This has 2."),
        ("cron(0 1 * * ? *)", "This has 6."),
        ("'60 * * * *'", "The minute is not valid"),
        ("'* 24 * * *'", "The hour is not valid"),
        ("'* * 0 * *'", "The day of month is not valid"),
        ("'* * * 13 *'", "The month is not valid"),
        ("'* * * * 8'", "The day of week is not valid"),
        ("'*/0 * * * *'", "The minute is not valid"),
        ("'0 0 30 2 *'", "or there is no such day"),
        ("'@reboot'", "There is no such name. Use one of @yearly"),
        ("5", "Write five fields in quotes"),
        ("", "Write five fields in quotes"),
    ],
)
def test_invalid_cron_expression_is_reported(problems_of, yaml, text):
    (problem,) = problems_of(INCLUSION, f"cron: {yaml}")
    assert problem.startswith("project.yaml:6: triggers.form.cron: ")
    assert text in problem


@pytest.mark.parametrize(
    ("yaml", "minutes"), [("0", 0), ("'0'", 0), ("90m", 90), ("6h", 360), ("7d", 10080)]
)
def test_catch_up_is_a_duration(parse, yaml, minutes):
    spec = parse(INCLUSION, f"cron: '@hourly'\n    catch_up: {yaml}")
    assert spec.triggers["form"].catch_up == minutes


@pytest.mark.parametrize(
    "yaml", ["8d", "1w", "90", "-1h", "1.5h", "~", "[1h]", "99999999d", "false", "٣h"]
)
def test_invalid_duration_is_reported_with_an_example(problems_of, yaml):
    (problem,) = problems_of(INCLUSION, f"cron: '@hourly'\n    catch_up: {yaml}")
    assert problem.startswith("project.yaml:7: triggers.form.catch_up: Write a duration such as")


def test_timezone_is_a_name_of_the_database(parse):
    yaml = "cron: '0 6 * * *'\n    timezone: Africa/Nairobi"
    assert parse(INCLUSION, yaml).triggers["form"].timezone == "Africa/Nairobi"


@pytest.mark.parametrize("name", ["Nairobi", "+03:00", "3", "''", "../etc/passwd", "[UTC]"])
def test_invalid_timezone_is_reported_with_an_example(problems_of, name):
    (problem,) = problems_of(INCLUSION, f"cron: '0 6 * * *'\n    timezone: {name}")
    assert "such as Africa/Nairobi" in problem
    assert problem.startswith("project.yaml:7: triggers.form.timezone: ")


@pytest.mark.parametrize("key", ["success", "failure"])
def test_flow_trigger_names_a_job(parse, key):
    assert getattr(parse(INCLUSION, f"{key}: go").triggers["form"], key) == "go"


@pytest.mark.parametrize(
    ("yaml", "line", "text"),
    [
        (
            "cron: '@daily'\n    success: go",
            7,
            "success: A trigger cannot have both `cron` and `success`.",
        ),
        (f"{INCLUSION}\n    failure: go", 7, "failure: A trigger cannot have both `inclusion`"),
        (
            "cron: '@daily'\n    inbox: field",
            7,
            "inbox: There is no such key. The keys are: cron, timezone, catch_up.",
        ),
        (
            "success: go\n    exclusion: {a: 1}",
            7,
            "exclusion: There is no such key. The keys are: success.",
        ),
        (
            "cron: '@daily'\n    catchup: 1h",
            7,
            "catchup: There is no such key. Did you mean `catch_up`?",
        ),
        ("success: [go]", 6, "success: Write one text, not a list or keys."),
        ("failure:", 6, "failure: A value is missing."),
    ],
)
def test_keys_of_different_kinds_of_triggers_cannot_be_mixed(problems_of, yaml, line, text):
    (problem,) = problems_of(INCLUSION, yaml)
    assert problem.startswith(f"project.yaml:{line}: triggers.form.{text}")


def test_order_by_is_the_path_of_one_value(parse):
    spec = parse(INCLUSION, f"{INCLUSION}\n    order_by: form.case[0].@case_id")
    assert spec.triggers["form"].order_by == ["form", "case", 0, "@case_id"]


@pytest.mark.parametrize("yaml", ["cases[*].id", "", "7", "[a]", "'.x'", "''", "$.a"])
def test_invalid_order_by_is_reported(problems_of, yaml):
    (problem,) = problems_of(INCLUSION, f"{INCLUSION}\n    order_by: {yaml}")
    assert problem.startswith("project.yaml:7: triggers.form.order_by: ")


def test_project_with_only_cron_triggers_needs_no_inbox(project):
    text = GOOD.replace(f"inboxes:\n  field: {HASH}\n", "").replace(INCLUSION, "cron: '@daily'")
    spec, problems = validate_project(read_yaml(project.write("project.yaml", text)))
    assert problems == []
    assert spec.inboxes == {}


@pytest.mark.parametrize(
    ("options", "compiled"),
    [
        ("accept: [GET]", {"accept": ["get"]}),
        ("challenge: microsoft", {"challenge": {"service": "microsoft", "secret": None}}),
        ("challenge: {meta: verify}", {"challenge": {"service": "meta", "secret": "verify"}}),
        (
            "response: {json: {ok: [1, é]}}",
            {"response": {"content_type": "application/json", "body": '{"ok": [1, "é"]}'}},
        ),
    ],
)
def test_options_for_responses_are_compiled(parse, options, compiled):
    inbox = parse(HASH, f"{{id_sha256: {A}, {options}}}").inboxes["field"]
    assert inbox.model_dump(include=set(compiled)) == compiled


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("accept: [post]", "always accepted"),
        ("accept: [get], auth: {hmac: a, header: X-Sign}", "hmac signs a body"),
        ("challenge: meta", "Write {meta: NAME}"),
        ("challenge: {microsoft: a}", "Write {meta: NAME}"),
        ("challenge: {meta: a, slack: b}", "Write {meta: NAME}"),
        ("response: OK", "Write one of json, xml, text"),
        ("response: {text: 1}", "in quotes"),
        ("response: {json: {a: 0.1}}", None),
        ('response: {xml: "<a>"}', "This is not XML"),
        (f"response: {{text: {'x' * 10_001}}}", "at most 10000 bytes"),
    ],
)
def test_invalid_options_for_responses_are_reported(project, options, text):
    yaml = project.change(HASH, f"{{id_sha256: {A}, {options}}}")
    problems = [str(problem) for problem in validate_project(read_yaml(yaml))[1]]
    assert len(problems) == (text is not None)
    assert text is None or text in problems[0]
