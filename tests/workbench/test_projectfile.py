"""What people write in project.yaml, and what is said when it is wrong."""

from __future__ import annotations

import pytest

import adaptors
from tests.workbench.conftest import GOOD
from workbench.project.schema.project import validated
from workbench.project.yaml_source import read

A, B = "a" * 64, "b" * 64
HASH = f"{{id_sha256: {A}}}"
INCLUSION = "inclusion: {formId: registration}"


@pytest.fixture
def good(project):
    """Give the project that is made of a good one with a change."""

    def made(old, new):
        found, mistakes = validated(read(project.change(old, new)))
        assert mistakes == []
        return found

    return made


@pytest.fixture
def bad(project):
    """Give what is wrong with a good project after a change, as it is printed."""

    def made(old, new):
        found, mistakes = validated(read(project.change(old, new)))
        assert found is None
        return [str(mistake) for mistake in mistakes]

    return made


def test_a_good_project_is_given_as_it_is_written(project):
    found, mistakes = validated(read(project.folder / "project.yaml"))
    assert mistakes == []
    trigger, job = found.triggers["form"], found.jobs["go"]
    assert (found.name, found.inboxes["field"].id_sha256) == ("demo", [A])
    assert (trigger.inbox, trigger.inclusion) == (None, {"formId": "registration"})
    assert (trigger.exclusion, found.credentials) == ([], {})
    assert (job.trigger, job.credential, job.expression) == ("form", None, "jobs/go.py")


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n", "---\n", "~\n"])
def test_an_empty_file_is_told_which_keys_belong_in_it(project, text):
    _, mistakes = validated(read(project.write("project.yaml", text)))
    assert [str(mistake) for mistake in mistakes] == [
        "project.yaml:1: the file is empty; write name, inboxes, triggers, credentials, jobs"
    ]


@pytest.mark.parametrize("text", ["- name: demo\n- jobs\n", "hello\n", "12\n"])
def test_a_file_that_is_no_mapping_is_told_which_keys_belong_in_it(project, text):
    _, mistakes = validated(read(project.write("project.yaml", text)))
    assert [str(mistake) for mistake in mistakes] == [
        "project.yaml:1: write keys below it: name, inboxes, triggers, credentials, jobs"
    ]


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("name: demo\n", "", ":1: ", "the key name is missing; write name: "),
        ("    expression: jobs/go.py\n", "", ":8: jobs.go: ", "the key expression is missing"),
        ("    trigger: form\n", "", ":8: jobs.go: ", "the key trigger is missing"),
        (HASH, "{}", ":3: inboxes.field: ", "the key id_sha256 is missing"),
        (INCLUSION, "inbox: field", ":5: triggers.form: ", "the key inclusion is missing"),
        ("name: demo", "name: 12", ":1: name: ", "a text belongs here; put it in quotes"),
        ("name: demo", "name:", ":1: name: ", "a value is missing here"),
        ("trigger: form", "trigger: [form]", ":9: jobs.go.trigger: ", "one text belongs here"),
        ("name: demo", "name: my démo!", ":1: name: ", "begin with a letter or digit"),
        ("  go:\n", "  gö/..:\n", ":8: jobs.gö/..: ", "then letters, digits, - and _"),
        ("  go:\n", "  'go home':\n", ":8: jobs.go home: ", "then letters, digits, - and _"),
        ("  go:\n", f"  {'g' * 65}:\n", ":8: jobs.ggg", "(64 at most)"),
        ("  go:\n", "  12:\n", ":8: jobs.12: ", "put it in quotes"),
        (HASH, "", ":3: inboxes.field: ", "write keys below it: id_sha256"),
        (f"    {INCLUSION}\n", "", ":5: triggers.form: ", "write keys below it: inbox, inclusion"),
        (f"  field: {HASH}\n", "", ":2: inboxes: ", "a name for each, with keys of its own"),
        (f"  field: {HASH}", "  {}", ":2: inboxes: ", "at least one is needed, for form"),
        (f"inboxes:\n  field: {HASH}\n", "", ":1: inboxes: ", "at least one is needed, for form"),
    ],
)
def test_a_key_or_value_that_is_wrong_is_named_with_its_line_and_a_remedy(
    bad, old, new, place, words
):
    (mistake,) = bad(old, new)
    assert mistake.startswith(f"project.yaml{place}")
    assert words in mistake


def test_a_misspelt_key_is_named_on_its_own_line_with_the_one_that_was_meant(bad):
    missing, misspelt = bad("inclusion:", "inclusions:")
    assert missing.startswith("project.yaml:5: triggers.form: the key inclusion is missing")
    assert misspelt == (
        "project.yaml:6: triggers.form.inclusions: there is no such key; did you mean `inclusion`?"
    )


def test_a_key_like_no_other_is_told_which_there_are(bad):
    secret = "credentials:\n  dhis2:\n    adaptor: http\n    password: hunter2\n"
    assert bad("jobs:\n", f"{secret}jobs:\n") == [
        (
            "project.yaml:10: credentials.dhis2.password: there is no such key; there is adaptor, "
            "max_concurrency"
        )
    ]


def test_an_adaptor_there_is_not_is_said_with_those_there_are(bad):
    old = "jobs:\n"
    assert bad(old, "credentials:\n  registry: {adaptor: htpp}\njobs:\n") == [
        "project.yaml:8: credentials.registry.adaptor: there is no adaptor `htpp`; there is "
        + ", ".join(adaptors.names())
    ]


@pytest.mark.parametrize(
    "digest", ["abc", A[1:], A.upper(), "g" * 64, "12", "[]", f"[{A}, 7]", "~"]
)
def test_a_hash_that_is_none_is_told_what_a_hash_is(bad, digest):
    (mistake,) = bad(A, digest)
    assert mistake.startswith("project.yaml:3: inboxes.field.id_sha256")
    assert mistake.endswith("write the SHA-256 of the inbox's id: 64 digits 0-9 and a-f")


def test_an_inbox_may_have_two_hashes_while_its_url_is_changed(good):
    found = good(HASH, f"{{id_sha256: [{A}, {B}]}}")
    assert found.inboxes["field"].id_sha256 == [A, B]


def test_one_bad_hash_of_two_is_found_on_its_own_line(bad):
    (mistake,) = bad(HASH, f"\n    id_sha256:\n      - {A}\n      - zzz")
    assert mistake.startswith("project.yaml:6: inboxes.field.id_sha256.1: ")


def test_two_inboxes_may_not_have_the_same_hash(bad):
    (mistake,) = bad("triggers:\n", f"  other: {HASH}\ntriggers:\n")
    assert mistake.startswith(
        "project.yaml:4: inboxes.other.id_sha256: the inbox field has the same"
    )


def test_criteria_are_an_inclusion_as_json_text(good):
    found = good(INCLUSION, """criteria: '{"form": {"@name": "Visit"}, "n": 1.50}'""")
    assert found.triggers["form"].inclusion == {"form": {"@name": "Visit"}, "n": 1.5}


@pytest.mark.parametrize(
    ("written", "place", "words"),
    [
        (
            """criteria: '{"a": }'""",
            "criteria: ",
            "a fragment as JSON text belongs here: Expecting",
        ),
        ("criteria: {a: 1}", "criteria: ", "JSON text in quotes; without them write `inclusion`"),
        ("criteria: ''", "criteria: ", "a fragment as JSON text belongs here"),
        ("criteria: 'null'", "criteria: ", "the fragment is empty"),
        ("""criteria: '{"a": [NaN]}'""", "criteria.a.0: ", "JSON has no such number"),
        ("""criteria: '{"a": 0.12345678901234567890}'""", "criteria.a: ", "too many digits"),
        ("""criteria: '{"a": 1e9999999999999999999}'""", "criteria.a: ", "no such number"),
        (f"criteria: '{'[' * 60}{']' * 60}'", "criteria: ", "nested 50 deep at most"),
        (f"criteria: '{'[' * 99999}'", "criteria: ", "a fragment as JSON text belongs here"),
        ("inclusion: {}\n    criteria: '{}'", "criteria: ", "keep one of them"),
    ],
    ids=lambda value: value[:40],
)
def test_criteria_that_are_wrong_are_said_in_words(bad, written, place, words):
    (mistake,) = bad(INCLUSION, written)
    line = 5 + len(written.split("\n"))
    assert mistake.startswith(f"project.yaml:{line}: triggers.form.{place}")
    assert words in mistake


@pytest.mark.parametrize(
    ("written", "exclusions"),
    [
        ("{_status: draft}", [{"_status": "draft"}]),
        ("[{_status: draft}, {test: true}]", [{"_status": "draft"}, {"test": True}]),
        ("\n      - {_status: draft}\n      - [1]", [{"_status": "draft"}, [1]]),
        ("draft", ["draft"]),
    ],
)
def test_an_exclusion_is_one_fragment_or_a_list_of_them(good, written, exclusions):
    found = good(INCLUSION, f"{INCLUSION}\n    exclusion: {written}")
    assert found.triggers["form"].exclusion == exclusions


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{consent: yes, visit: 2019-12-01}", {"consent": "yes", "visit": "2019-12-01"}),
        ("{a: true, b: 1, c: 1.0, d: ~, e: []}", {"a": True, "b": 1, "c": 1.0, "d": None, "e": []}),
        ("{group1/name: x, '@xmlns': y, a.b: z}", {"group1/name": "x", "@xmlns": "y", "a.b": "z"}),
        ("&x {a: {b: c}}\n    exclusion: *x", {"a": {"b": "c"}}),
        ("{n: 123456789012345678901234567890}", {"n": 123456789012345678901234567890}),
        ("{}", {}),
    ],
)
def test_a_fragment_is_what_json_can_hold(good, written, value):
    found = good("{formId: registration}", written).triggers["form"]
    assert repr(found.inclusion) == repr(value)  # 1, 1.0 and true are equal, but not the same


@pytest.mark.parametrize(
    ("written", "place", "words"),
    [
        ("", ":6: triggers.form.inclusion: ", "the fragment is empty; write one"),
        ("{a: .nan}", ":6: triggers.form.inclusion.a: ", "JSON has no such number"),
        ("{a: [1, -.inf]}", ":6: triggers.form.inclusion.a.1: ", "JSON has no such number"),
        ("{a: 0.12345678901234567890}", ":6: triggers.form.inclusion.a: ", "too many digits"),
        (f"{{a: {'9' * 5000}}}", ":6: triggers.form.inclusion.a: ", "too many digits"),
        ("{1: b}", ":6: triggers.form.inclusion.1: ", "a key is text; put it in quotes"),
        (
            "\n      a:\n      - b: 1\n      - 2019: c",
            ":9: triggers.form.inclusion.a.1.2019",
            "text",
        ),
        ("\n      ok: 1\n      ~: c", ":8: triggers.form.inclusion.None", "put it in quotes"),
        ("{a: !!binary aGk=}", ":6: triggers.form.inclusion.a: ", "JSON has no such value"),
        ("&x {a: *x}", ":6: triggers.form.inclusion: ", "and not hold itself"),
        ("{}\n    exclusion:", ":7: triggers.form.exclusion: ", "the fragment is empty"),
        ("{}\n    exclusion:\n      a: .inf", ":8: triggers.form.exclusion.a: ", "no such number"),
        (
            "{}\n    exclusion:\n    - a\n    - b: .inf",
            ":9: triggers.form.exclusion.1.b: ",
            "number",
        ),
    ],
    ids=lambda value: value[:40],
)
def test_what_json_cannot_hold_is_no_fragment_and_is_found_on_its_line(bad, written, place, words):
    (mistake,) = bad("{formId: registration}", written)
    assert mistake.startswith(f"project.yaml{place}")
    assert words in mistake


def test_several_mistakes_are_all_told(bad):
    places = [mistake.split(": ")[0] for mistake in bad(GOOD, "x: 1\n" + GOOD.replace(A, "z"))]
    assert sorted(places) == ["project.yaml:1", "project.yaml:4"]


@pytest.mark.parametrize(
    ("written", "cron"),
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
def test_a_cron_expression_has_five_fields_or_is_one_of_the_usual_names(good, written, cron):
    trigger = good(INCLUSION, f"cron: {written}").triggers["form"]
    assert (trigger.cron, trigger.catch_up) == (cron, 1440)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("'* * * *'", "write five fields (minute, hour, day of the month, month, day of the week)"),
        ("'0 0 1 * * *'", "such as '0 1 * * *'; this has 6"),
        ("rate(5 minutes)", "this has 2"),
        ("cron(0 1 * * ? *)", "this has 6"),
        ("'60 * * * *'", "the minute is not valid"),
        ("'* 24 * * *'", "the hour is not valid"),
        ("'* * 0 * *'", "the day of month is not valid"),
        ("'* * * 13 *'", "the month is not valid"),
        ("'* * * * 8'", "the day of week is not valid"),
        ("'*/0 * * * *'", "the minute is not valid"),
        ("'0 0 30 2 *'", "or there is no such day"),
        ("'@reboot'", "there is no such name; there is @yearly"),
        ("5", "five fields in quotes belong here"),
        ("", "five fields in quotes belong here"),
    ],
)
def test_a_cron_expression_that_is_none_is_said_in_words(bad, written, words):
    (mistake,) = bad(INCLUSION, f"cron: {written}")
    assert mistake.startswith("project.yaml:6: triggers.form.cron: ")
    assert words in mistake


@pytest.mark.parametrize(
    ("written", "minutes"), [("0", 0), ("'0'", 0), ("90m", 90), ("6h", 360), ("7d", 10080)]
)
def test_how_long_a_missed_minute_is_made_up_for_is_a_time(good, written, minutes):
    found = good(INCLUSION, f"cron: '@hourly'\n    catch_up: {written}")
    assert found.triggers["form"].catch_up == minutes


@pytest.mark.parametrize(
    "written", ["8d", "1w", "90", "-1h", "1.5h", "~", "[1h]", "99999999d", "false", "٣h"]
)
def test_a_time_that_is_none_is_told_what_one_is(bad, written):
    (mistake,) = bad(INCLUSION, f"cron: '@hourly'\n    catch_up: {written}")
    assert mistake.startswith("project.yaml:7: triggers.form.catch_up: write a time such as 30m")


@pytest.mark.parametrize("key", ["success", "failure"])
def test_a_flow_trigger_names_a_job(good, key):
    assert getattr(good(INCLUSION, f"{key}: go").triggers["form"], key) == "go"


@pytest.mark.parametrize(
    ("written", "line", "words"),
    [
        (
            "cron: '@daily'\n    success: go",
            7,
            "success: a trigger has one of `cron` and `success`",
        ),
        (f"{INCLUSION}\n    failure: go", 7, "failure: a trigger has one of `inclusion` and"),
        (
            "cron: '@daily'\n    inbox: field",
            7,
            "inbox: there is no such key; there is cron, catch_up",
        ),
        (
            "success: go\n    exclusion: {a: 1}",
            7,
            "exclusion: there is no such key; there is success",
        ),
        (
            "cron: '@daily'\n    catchup: 1h",
            7,
            "catchup: there is no such key; did you mean `catch_up`?",
        ),
        ("success: [go]", 6, "success: one text belongs here"),
        ("failure:", 6, "failure: a value is missing here"),
    ],
)
def test_keys_of_different_kinds_of_triggers_do_not_mix(bad, written, line, words):
    (mistake,) = bad(INCLUSION, written)
    assert mistake.startswith(f"project.yaml:{line}: triggers.form.{words}")


def test_what_messages_are_ordered_by_is_the_path_of_one_value(good):
    found = good(INCLUSION, f"{INCLUSION}\n    order_by: form.case[0].@case_id")
    assert found.triggers["form"].order_by == ["form", "case", 0, "@case_id"]


@pytest.mark.parametrize("written", ["cases[*].id", "", "7", "[a]", "'.x'", "''", "$.a"])
def test_what_is_no_path_of_one_value_orders_nothing(bad, written):
    (mistake,) = bad(INCLUSION, f"{INCLUSION}\n    order_by: {written}")
    assert mistake.startswith("project.yaml:7: triggers.form.order_by: ")


def test_a_project_of_the_clock_alone_needs_no_inbox(project):
    text = GOOD.replace(f"inboxes:\n  field: {HASH}\n", "").replace(INCLUSION, "cron: '@daily'")
    found, mistakes = validated(read(project.write("project.yaml", text)))
    assert mistakes == []
    assert found.inboxes == {}
