"""A project's files are validated and compiled into the project layer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal

import pytest

from openfn.project.compiled import load, parse_triggers
from openfn.project.triggers import Kind
from tests.conftest import ROOT
from tests.workbench.conftest import DIGEST, GOOD, JOB
from workbench.project.compiler import check, compile_project, main, message_triggers
from workbench.project.unused import warnings
from workbench.project.yaml_source import ProjectProblems

INCLUSION = "inclusion: {formId: registration}"


@pytest.fixture
def problems(project):
    """Return the project's printed problems."""

    def problems():
        with pytest.raises(ProjectProblems) as raised:
            check(project.folder)
        return [str(problem) for problem in raised.value.problems]

    return problems


@pytest.fixture
def compiled(project, tmp_path):
    """Compile the project into a new folder and return the folder."""
    folders = (tmp_path / f"compiled-{number}" for number in range(9))

    def compiled(**options):
        folder = next(folders)
        compile_project(project.folder, folder, **options)
        return folder

    return compiled


def test_example_project_has_no_problems():
    assert check(ROOT / "project").name == "community-health"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            INCLUSION,
            f"{INCLUSION}\n    inbox: feild",
            ":7: triggers.form.inbox: There is no inbox `feild`. The project has: field.",
        ),
        (
            "trigger: form",
            "trigger: from",
            ":9: jobs.go.trigger: There is no trigger `from`. The project has: form.",
        ),
        (
            "trigger: form",
            "credential: dhis2\n    trigger: form",
            ":9: jobs.go.credential: There is no credential `dhis2`. Add it below `credentials`.",
        ),
    ],
    ids=["inbox", "trigger", "credential"],
)
def test_unknown_name_is_reported_with_the_names_that_exist(project, problems, old, new, problem):
    project.change(old, new)
    assert problems() == [f"project.yaml{problem}"]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("jobs/gone.py", "The project has no file jobs/gone.py."),
        ("../go.py", "Write the path of a .py or .js file inside"),
        ("jobs/../jobs/go.py", "Write the path of a .py or .js file inside"),
        ("/etc/go.py", "Write the path of a .py or .js file inside"),
        ("jobs", "Write the path of a .py or .js file inside"),
        ("jobs/go.txt", "Write the path of a .py or .js file inside"),
        ("''", "Write the path of a .py or .js file inside"),
        ("go.py", "Move the file into a folder: jobs/go.py."),
        ("jobs\\go.py", "Write the file's path with / between folders."),
        ('"jobs/g\\0o.py"', "Write the file's path with / between folders."),
        (
            "credentials/go.py",
            "Hidden files and files called credentials or tests are not deployed.",
        ),
        (
            "jobs/.hidden/go.py",
            "Hidden files and files called credentials or tests are not deployed.",
        ),
        (
            "tests/test_go.py",
            "Hidden files and files called credentials or tests are not deployed.",
        ),
    ],
)
def test_job_file_that_cannot_be_deployed_is_reported(project, problems, expression, text):
    project.change("jobs/go.py", expression)
    (problem,) = problems()
    assert problem.startswith("project.yaml:10: jobs.go.expression: ")
    assert text in problem


def test_absolute_path_into_the_project_is_reported(project, problems):
    project.change("jobs/go.py", str(project.folder / "jobs/go.py"))
    assert "Write the path of a .py or .js file inside" in problems()[0]


def test_link_out_of_the_project_is_reported(project, problems, tmp_path):
    (tmp_path / "go.py").write_text(JOB)
    (project.folder / "jobs/go.py").unlink()
    (project.folder / "jobs/go.py").symlink_to(tmp_path / "go.py")
    assert "This is a link to a file outside the project." in problems()[0]


@pytest.mark.parametrize(
    ("code", "line", "text"),
    [
        ("", 1, "go.py has no operation. Add a call at the top level."),
        ("x = 1\n", 1, "go.py has no operation. Add a call at the top level."),
        ("x = 1\n\nfn(lambda state: state\n", 3, "This is not valid Python: '(' was never closed"),
        (
            "def f():\n\tx = 1\n        return x\n",
            3,
            "This is not valid Python: inconsistent use of tabs",
        ),
        ("x = 1\nreturn x\n", 2, "This is not valid Python: 'return' outside function"),
        ("import os\nimport adaptrs\n", 2, "No module named 'adaptrs'. Is it spelled correctly"),
        ("\nfrom adaptors.common import eahc\n", 2, "cannot import name 'eahc'"),
        (
            f"{JOB}\nfm(lambda state: state)\n",
            5,
            "`fm` is not defined. Is it spelled correctly and imported?",
        ),
        (
            "from adaptors.http import post\n\npost(\n    'x',\n    boddy=1,\n)\n",
            3,
            "TypeError: got an unexpected keyword argument 'boddy'",
        ),
        (f'{JOB}print("x")\n', 4, "print(…) returned NoneType, not an operation"),
        (f"{JOB}\n\nraise SystemExit(3)\n", 6, "SystemExit: 3"),
        ("def f():\n    return 1 / 0\n\n\nf()\n", 2, "ZeroDivisionError: division by zero"),
        ("x = 1\0\n", 1, "null bytes"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_job_that_cannot_be_loaded_is_reported_with_its_line(project, problems, code, line, text):
    project.write("jobs/go.py", code)
    (problem,) = problems()
    assert problem.startswith(f"jobs/go.py:{line}: ")
    assert text in problem


def test_check_does_not_show_what_a_job_prints_while_loading(project, capsys):
    project.write("jobs/go.py", f"{JOB}\nfor letter in 'ab':\n    print(letter)\n")
    check(project.folder)
    assert capsys.readouterr().out == ""


def test_job_with_byte_order_mark_and_windows_line_ends_is_valid(project):
    project.write("jobs/go.py", b"\xef\xbb\xbf" + JOB.replace("\n", "\r\n").encode())
    check(project.folder)


def test_problems_of_every_kind_are_reported_at_once(project, problems):
    invalid = GOOD.replace("trigger: form", "trigger: from").replace("name: demo", "name: de mo")
    project.write("project.yaml", invalid.replace("inclusion:", "inclusions:"))
    project.write("jobs/go.py", f"{JOB}\nfm()\n")
    assert [problem.partition(": ")[0] for problem in problems()] == [
        "jobs/go.py:5",
        "project.yaml:1",
        "project.yaml:5",
        "project.yaml:6",
        "project.yaml:9",
    ]


def test_file_that_is_not_a_project_has_one_problem(project, problems):
    project.write("project.yaml", "- jobs\n")
    assert len(problems()) == 1


def test_compiled_project_has_the_same_triggers(project, compiled):
    project.change(
        INCLUSION,
        "inbox: field\n    inclusion: {a: 1.10, b: [yes, 2019-12-01, ~]}\n    exclusion: {c: .5}",
    )
    loaded = load(compiled())
    assert loaded.message_triggers == message_triggers(check(project.folder))
    (trigger,) = loaded.message_triggers
    assert trigger.inclusions == ({"a": Decimal("1.1"), "b": ["yes", "2019-12-01", None]},)
    assert trigger.exclusions == ({"c": Decimal("0.5")},)
    assert repr(trigger.inclusions[0]["a"]) == "Decimal('1.1')"


def test_message_with_one_of_several_fragments_matches(project, compiled):
    project.change(
        INCLUSION,
        "inclusion: [{form: a}, {form: b, site: 1}, [7]]\n    exclusion: {test: true}",
    )
    index = load(compiled()).index
    matching = [{"form": "a"}, {"form": "b", "site": 1}, {"form": "a", "site": 2}, [7, 8]]
    assert [index.matching("field", body) for body in matching] == [[0]] * 4
    others = [{"form": "b"}, {"form": "c", "site": 1}, {"form": "a", "test": True}, 7, [8], [{}]]
    assert [index.matching("field", body) for body in others] == [[]] * 6


@pytest.mark.parametrize("fragment", [{"a": 1}, [{"a": 1}, {"b": 2}], [], "text", None])
def test_trigger_compiled_by_the_first_release_has_one_fragment(fragment):
    trigger = {"inbox": None, "inclusion": fragment, "exclusion": [], "order_by": []}
    (loaded,) = parse_triggers({"form": trigger})
    assert loaded.inclusions == (fragment,)


def test_compiled_project_has_inboxes_by_hash_and_jobs_by_file(project, compiled):
    folder = compiled(more_ids={"field": "c" * 64})
    loaded = load(folder)
    assert list(loaded.inboxes) == [DIGEST, "c" * 64]
    assert loaded.jobs["go"].expression == folder / "jobs/go.py"
    assert loaded.jobs["go"].expression.read_text() == JOB


def test_project_with_problems_is_not_written(project, compiled, tmp_path):
    project.write("jobs/go.py", "")
    with pytest.raises(ProjectProblems):
        compiled()
    assert not (tmp_path / "compiled-0").exists()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("jobs/go.py", JOB.replace("state: state", "state: {**state, 'a': 1}")),
        ("jobs/beside.py", "KEYS = 2\n"),
        ("project.yaml", GOOD.replace("registration", "visit")),
    ],
)
def test_version_changes_with_deployed_files(project, compiled, file, content):
    project.write("jobs/beside.py", "KEYS = 1\n")
    before = load(compiled()).version
    project.write(file, content)
    assert load(compiled()).version != before


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("project.yaml", f"# a comment\n{GOOD}\n# another\n"),
        ("project.yaml", GOOD.replace("{formId: registration}", '\n      "formId": registration')),
        ("jobs/__pycache__/go.pyc", "bytes"),
        ("jobs/.go.py.swp", "an editor's"),
        ("notes.txt", "beside the jobs' folder"),
    ],
)
def test_version_ignores_files_that_are_not_deployed(project, compiled, file, content):
    before = load(compiled()).version
    project.write(file, content)
    assert load(compiled()).version == before


def test_version_is_the_same_when_compiled_twice(project, tmp_path):
    layers = []
    for _ in range(2):
        compile_project(project.folder, tmp_path / "layer")
        layers.append((tmp_path / "layer/project.json").read_bytes())
    assert layers[0] == layers[1]


def test_deployed_job_can_import_a_module_beside_it(project, compiled):
    project.write("jobs/mapping.py", "def mapped(state):\n    return {**state, 'from': __file__}\n")
    project.write(
        "jobs/go.py", "from adaptors.common import fn\nfrom mapping import mapped\nfn(mapped)"
    )
    job = compiled() / "jobs/go.py"
    code = (
        "import sys; from pathlib import Path; from openfn.jobs.expression import execute, load; "
        "job = Path(sys.argv[1]); print(execute(load(job), {}, job)['from'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, job], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == str(job.parent / "mapping.py")


def test_error_in_a_module_beside_a_job_is_reported_at_its_import(project, problems):
    project.write("jobs/broken.py", "x = 1\nx = nowhere\n")
    project.write("jobs/go.py", "import os\nimport broken\n")
    assert problems() == [
        (
            "jobs/go.py:2: NameError: name 'nowhere' is not defined. "
            "Is it spelled correctly and imported?"
        )
    ]


def test_secrets_hidden_files_and_tests_are_not_copied(project, compiled):
    for name in ("credentials/dhis2.json", "credentials.json", ".env", "deep/credentials/x.json"):
        project.write(f"jobs/{name}", "hunter2")
    for name in ("tests/test_go.py", "jobs/tests/test_go.py", "tests/events/a.json"):
        project.write(name, "hunter2")
    project.write("credentials/dhis2.json", "hunter2")
    project.write("jobs/deep/codes.csv", "a,b\n")
    folder = compiled()
    assert sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    ) == [
        "jobs/deep/codes.csv",
        "jobs/go.py",
        "project.json",
    ]
    assert "hunter2" not in (folder / "project.json").read_text()


def test_link_to_itself_is_no_file(project, problems):
    (project.folder / "jobs/go.py").unlink()
    (project.folder / "jobs/go.py").symlink_to("go.py")
    assert "The project has no file jobs/go.py." in problems()[0]


def test_broken_link_or_pipe_beside_a_job_does_not_stop_the_build(project, compiled):
    (project.folder / "jobs/gone.py").symlink_to("nowhere.py")
    os.mkfifo(project.folder / "jobs/pipe")
    assert (compiled() / "jobs/go.py").exists()


@pytest.mark.parametrize(
    ("name", "target", "problem"),
    [
        ("jobs/shared", "{outside}", "This is a link to a folder."),
        ("jobs/deep/loop", "../../jobs", "This is a link to a folder."),
        ("jobs/loop", ".", "This is a link to a folder."),
        ("jobs/deep/codes.csv", "{outside}/secret.csv", "This is a link to a file outside"),
        ("jobs/login.json", "../credentials/dhis2.json", "This is a link to a file that is not"),
    ],
)
def test_link_to_what_must_not_be_deployed_is_reported(
    project, problems, tmp_path, name, target, problem
):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.csv").write_text("a", "utf-8")
    project.write("credentials/dhis2.json", "{}")
    project.write("jobs/deep/other.csv", "a")
    (project.folder / name).symlink_to(target.format(outside=tmp_path / "outside"))
    (text,) = problems()
    assert text.startswith(f"{name}:1: {problem}")


def test_folder_of_jobs_that_is_a_link_is_reported(project, problems):
    (project.folder / "jobs").rename(project.folder / "others")
    (project.folder / "jobs").symlink_to("others")
    assert problems()[-1].startswith("jobs:1: This is a link to a folder.")


def test_link_to_a_file_of_the_project_is_deployed_as_the_file(project, compiled):
    project.write("shared/codes.csv", "a,b")
    (project.folder / "jobs/codes.csv").symlink_to("../shared/codes.csv")
    (project.folder / "jobs/loop.csv").symlink_to("loop.csv")
    folder = compiled()
    assert (folder / "jobs/codes.csv").read_text("utf-8") == "a,b"
    assert not (folder / "jobs/codes.csv").is_symlink()
    assert sorted(path.name for path in (folder / "jobs").iterdir()) == ["codes.csv", "go.py"]


@pytest.mark.parametrize(("invalid", "status"), [(False, 0), (True, 1)])
def test_build_stops_at_a_problem_and_prints_it_on_standard_error(
    project, tmp_path, monkeypatch, capsys, invalid, status
):
    if invalid:
        project.change("name: demo", "name: de mo")
    monkeypatch.setattr(sys, "argv", ["compiler", str(project.folder), str(tmp_path / "layer")])
    assert main() == status
    assert capsys.readouterr().err.startswith("project.yaml:1: name: " if invalid else "")
    assert (tmp_path / "layer/project.json").exists() is not invalid


def test_compiled_json_is_complete(project, compiled):
    content = json.loads((compiled() / "project.json").read_text())
    assert content["triggers"]["form"] == {
        "inbox": None,
        "inclusions": [{"formId": "registration"}],
        "exclusion": [],
        "order_by": [],
    }
    assert content["inboxes"]["field"]["ordered"] is False


@pytest.mark.parametrize(
    ("options", "ordered"),
    [
        ("order_by: case_id", {"field": True, "other": True}),
        ("order_by: case_id\n    inbox: other", {"field": False, "other": True}),
    ],
)
def test_inbox_is_ordered_if_one_of_its_triggers_has_order_by(project, compiled, options, ordered):
    text = GOOD.replace(INCLUSION, f"{INCLUSION}\n    {options}")
    other = f"  other: {{id_sha256: {'b' * 64}}}\n"
    project.write("project.yaml", text.replace("triggers:\n", f"{other}triggers:\n"))
    inboxes = load(compiled()).inboxes.values()
    assert {inbox.name: inbox.ordered for inbox in inboxes} == ordered


@pytest.mark.parametrize(
    ("triggers", "location", "text"),
    [
        (
            "form: {success: gone}",
            "5: triggers.form.success",
            "There is no job `gone`. The project has: go.",
        ),
        (
            "form: {failure: gone}",
            "5: triggers.form.failure",
            "There is no job `gone`. The project has: go.",
        ),
        (
            "form: {success: go}",
            "8: jobs.go.trigger",
            "Jobs that wait for each other never run: go waits for go.",
        ),
    ],
)
def test_flow_trigger_of_an_unknown_job_or_itself_is_reported(project, triggers, location, text):
    project.change("form:\n    inclusion: {formId: registration}", triggers)
    with pytest.raises(ProjectProblems) as raised:
        check(project.folder)
    assert str(raised.value).startswith(f"project.yaml:{location}: {text}")


SEVERAL = f"""\
name: demo
inboxes: {{field: {{id_sha256: {"a" * 64}}}}}
triggers:
  form: {{inclusion: {{}}}}
  first: {{inclusion: {{a: 1}}, order_by: patient.id}}
  second: {{inclusion: {{b: 1}}, order_by: 'patient["id"]'}}
  clock: {{cron: "0 1 * * *"}}
  after-a: {{success: a}}
  a-failed: {{failure: a}}
  after-b: {{success: b}}
  after-c: {{success: c}}
jobs:
  a: {{trigger: form, expression: jobs/go.py}}
  b: {{trigger: [form, after-a], expression: jobs/go.py}}
  c: {{trigger: [after-a, after-b, a-failed, clock, first, second], expression: jobs/go.py}}
"""


def several_problems(project, old, new):
    assert old in SEVERAL
    project.write("project.yaml", SEVERAL.replace(old, new))
    with pytest.raises(ProjectProblems) as raised:
        check(project.folder)
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "trigger: form, e",
            "trigger: [form, after-c], e",
            (
                "13: jobs.a.trigger: Jobs that wait for each other never run: a waits for c, "
                "c waits for a. Change the trigger of one of them."
            ),
        ),
        (
            "[form, after-a]",
            "[form, after-b]",
            (
                "14: jobs.b.trigger: Jobs that wait for each other never run: b waits for b. "
                "Change the trigger of one of them."
            ),
        ),
        (
            "trigger: [form, after-a]",
            "triggers: [form, after-z]",
            (
                "14: jobs.b.triggers.1: There is no trigger `after-z`. The project has: form, "
                "first, second, clock, after-a, a-failed, after-b, after-c."
            ),
        ),
        (
            "order_by: patient.id",
            "order_by: case",
            (
                "15: jobs.c.trigger: The triggers first and second have different `order_by`. "
                "A message that matches several triggers of a job starts one run, so write the "
                "same `order_by` in all of them."
            ),
        ),
        (
            "[form, after-a]",
            "[form, first]",
            "14: jobs.b.trigger: The triggers form and first have different `order_by`.",
        ),
    ],
)
def test_problem_of_a_job_with_several_triggers_is_reported(project, old, new, problem):
    problems = several_problems(project, old, new)
    assert [text[: len(problem) + 13] for text in problems][:1] == [f"project.yaml:{problem}"]


def test_cycles_through_one_of_several_triggers_are_all_reported(project):
    problems = several_problems(project, "form, e", "[after-b, after-c], e")
    cycles = ["a waits for b, b waits for a", "a waits for c, c waits for a"]
    assert len(problems) == 2
    for problem, cycle in zip(problems, cycles, strict=True):
        assert cycle in problem


def test_compiled_project_has_the_triggers_of_each_job(project, tmp_path):
    project.write("project.yaml", SEVERAL)
    unused = [str(warning)[:42] for warning in warnings(project.folder, check(project.folder))]
    assert unused[:1] == ["project.yaml:11: triggers.after-c: No job "]
    compile_project(project.folder, tmp_path / "layer")
    loaded = load(tmp_path / "layer")
    assert loaded.jobs["c"].triggers == (
        *("after-a", "after-b", "a-failed", "clock", "first", "second"),
    )
    assert [job.name for job in loaded.jobs_by_trigger["after-a"]] == ["b", "c"]
    matching = [(t.name, j.name) for t, j in loaded.jobs_for_message("field", {"a": 1, "b": 1})]
    assert matching == [("form", "a"), ("form", "b"), ("first", "c")]
    assert [(t.name, j.name) for t, j in loaded.follow_up_jobs("a", Kind.FAILURE)] == [
        ("a-failed", "c")
    ]
    assert loaded.branching_jobs == {"b", "c"}


def test_project_of_the_first_release_has_one_trigger_for_each_job(project, tmp_path):
    compile_project(project.folder, tmp_path / "layer")
    file = tmp_path / "layer/project.json"
    compiled = json.loads(file.read_text("utf-8"))
    compiled["jobs"]["go"]["trigger"] = "form"
    file.write_text(json.dumps(compiled), "utf-8")
    loaded = load(tmp_path / "layer")
    assert [job.name for job in loaded.jobs_by_trigger["form"]] == ["go"]
    assert loaded.branching_jobs == frozenset()


def test_cycle_of_jobs_is_reported_once(project):
    project.write(
        "project.yaml",
        f"""\
name: demo
inboxes: {{field: {{id_sha256: {"a" * 64}}}}}
triggers:
  form: {{inclusion: {{}}}}
  after-a: {{success: a}}
  after-b: {{failure: b}}
  after-c: {{success: c}}
jobs:
  start: {{trigger: form, expression: jobs/go.py}}
  a: {{trigger: after-c, expression: jobs/go.py}}
  b: {{trigger: after-a, expression: jobs/go.py}}
  c: {{trigger: after-b, expression: jobs/go.py}}
  d: {{trigger: after-c, expression: jobs/go.py}}
""",
    )
    with pytest.raises(ProjectProblems) as raised:
        check(project.folder)
    (problem,) = raised.value.problems
    assert problem.line == 10
    assert problem.message == (
        "jobs.a.trigger: Jobs that wait for each other never run: a waits for c, c waits for b, "
        "b waits for a. Change the trigger of one of them."
    )


@pytest.mark.parametrize(
    ("line", "is_null"),
    [("", False), ("missing: absent\n", False), ("missing: null\n", True)],
)
def test_project_says_what_a_missing_answer_is(project, tmp_path, line, is_null):
    project.change("name: demo\n", f"name: demo\n{line}")
    compile_project(project.folder, tmp_path / "compiled")
    assert load(tmp_path / "compiled").missing_is_null == is_null


def test_project_of_an_earlier_release_says_nothing_about_missing_answers(project, tmp_path):
    compile_project(project.folder, tmp_path / "compiled")
    path = tmp_path / "compiled/project.json"
    compiled = json.loads(path.read_text())
    del compiled["missing"]
    path.write_text(json.dumps(compiled))
    assert not load(tmp_path / "compiled").missing_is_null


def test_missing_answers_are_absent_or_null(problems, project):
    project.change("name: demo\n", "name: demo\nmissing: empty\n")
    (problem,) = problems()
    assert "project.yaml:2" in problem
    assert "absent" in problem
