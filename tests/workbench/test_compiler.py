"""A project's files → the project layer: what is refused, and what the functions then read."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import pytest

from openfn.project.compiled import load
from tests.conftest import ROOT
from tests.workbench.conftest import GOOD, JOB
from workbench.project.compiler import check, compile_project, main, message_triggers
from workbench.project.yaml_source import ProjectMistakes

INCLUSION = "inclusion: {formId: registration}"


@pytest.fixture
def mistakes(project):
    """Give what is wrong with the project, as it is printed."""

    def found():
        with pytest.raises(ProjectMistakes) as raised:
            check(project.folder)
        return [str(mistake) for mistake in raised.value.mistakes]

    return found


@pytest.fixture
def compiled(project, tmp_path):
    """Compile the project, into a new folder each time, and give the folder."""
    folders = (tmp_path / f"compiled-{number}" for number in range(9))

    def into(**more):
        folder = next(folders)
        compile_project(project.folder, folder, **more)
        return folder

    return into


def test_the_example_project_has_nothing_to_mend():
    assert check(ROOT / "project").name == "community-health"


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        (
            INCLUSION,
            f"{INCLUSION}\n    inbox: feild",
            ":7: triggers.form.inbox: there is no inbox `feild`; there is field",
        ),
        (
            "trigger: form",
            "trigger: from",
            ":9: jobs.go.trigger: there is no trigger `from`; there is form",
        ),
        (
            "trigger: form",
            "credential: dhis2\n    trigger: form",
            ":9: jobs.go.credential: there is no credential `dhis2`; there is none yet",
        ),
    ],
    ids=["inbox", "trigger", "credential"],
)
def test_a_name_that_nothing_has_is_told_with_the_names_there_are(
    project, mistakes, old, new, mistake
):
    project.change(old, new)
    (found,) = mistakes()
    assert found.startswith(f"project.yaml{mistake}")


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("jobs/gone.py", "there is no file jobs/gone.py in the project's folder"),
        ("../go.py", "name a .py file inside the project"),
        ("jobs/../jobs/go.py", "name a .py file inside the project"),
        ("/etc/go.py", "name a .py file inside the project"),
        ("jobs", "name a .py file inside the project"),
        ("jobs/go.txt", "name a .py file inside the project"),
        ("''", "name a .py file inside the project"),
        ("go.py", "put the file in a folder: jobs/go.py"),
        ("jobs\\go.py", "write the file's path with / between folders"),
        ('"jobs/g\\0o.py"', "write the file's path with / between folders"),
        ("credentials/go.py", "what is hidden or called credentials or tests is not deployed"),
        ("jobs/.hidden/go.py", "what is hidden or called credentials or tests is not deployed"),
        ("tests/test_go.py", "what is hidden or called credentials or tests is not deployed"),
    ],
)
def test_a_job_file_that_is_not_where_it_can_be_deployed_is_refused(
    project, mistakes, expression, words
):
    project.change("jobs/go.py", expression)
    (mistake,) = mistakes()
    assert mistake.startswith("project.yaml:10: jobs.go.expression: ")
    assert words in mistake


def test_an_absolute_path_is_refused_even_when_it_leads_into_the_project(project, mistakes):
    project.change("jobs/go.py", str(project.folder / "jobs/go.py"))
    assert "name a .py file inside the project" in mistakes()[0]


def test_a_job_file_that_is_a_link_out_of_the_project_is_refused(project, mistakes, tmp_path):
    (tmp_path / "go.py").write_text(JOB)
    (project.folder / "jobs/go.py").unlink()
    (project.folder / "jobs/go.py").symlink_to(tmp_path / "go.py")
    assert "outside the project, behind a link" in mistakes()[0]


@pytest.mark.parametrize(
    ("code", "line", "words"),
    [
        ("", 1, "go.py has no operation. Add a call at the top level."),
        ("x = 1\n", 1, "go.py has no operation. Add a call at the top level."),
        ("x = 1\n\nfn(lambda state: state\n", 3, "not Python: '(' was never closed"),
        ("def f():\n\tx = 1\n        return x\n", 3, "not Python: inconsistent use of tabs"),
        ("x = 1\nreturn x\n", 2, "not Python: 'return' outside function"),
        ("import os\nimport adaptrs\n", 2, "No module named 'adaptrs'; is it spelt right"),
        ("\nfrom adaptors.common import eahc\n", 2, "cannot import name 'eahc'"),
        (
            f"{JOB}\nfm(lambda state: state)\n",
            5,
            "NameError: name 'fm' is not defined; is it spelt",
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
def test_a_job_file_that_cannot_be_loaded_is_told_with_its_line(
    project, mistakes, code, line, words
):
    project.write("jobs/go.py", code)
    (mistake,) = mistakes()
    assert mistake.startswith(f"jobs/go.py:{line}: ")
    assert words in mistake


def test_what_a_job_prints_when_it_is_loaded_is_not_printed_by_the_check(project, capsys):
    project.write("jobs/go.py", f"{JOB}\nfor each in 'ab':\n    print(each)\n")
    check(project.folder)
    assert capsys.readouterr().out == ""


def test_a_job_file_with_a_byte_order_mark_and_windows_line_ends_is_good(project):
    project.write("jobs/go.py", b"\xef\xbb\xbf" + JOB.replace("\n", "\r\n").encode())
    check(project.folder)


def test_mistakes_of_every_kind_are_told_at_once_by_file_and_line(project, mistakes):
    spoiled = GOOD.replace("trigger: form", "trigger: from").replace("name: demo", "name: de mo")
    project.write("project.yaml", spoiled.replace("inclusion:", "inclusions:"))
    project.write("jobs/go.py", f"{JOB}\nfm()\n")
    assert [mistake.partition(": ")[0] for mistake in mistakes()] == [
        "jobs/go.py:5",
        "project.yaml:1",
        "project.yaml:5",
        "project.yaml:6",
        "project.yaml:9",
    ]


def test_a_file_that_is_no_project_at_all_is_told_once(project, mistakes):
    project.write("project.yaml", "- jobs\n")
    assert len(mistakes()) == 1


def test_what_is_compiled_is_loaded_with_the_same_triggers(project, compiled):
    project.change(
        INCLUSION,
        "inbox: field\n    inclusion: {a: 1.10, b: [yes, 2019-12-01, ~]}\n    exclusion: {c: .5}",
    )
    loaded = load(compiled())
    assert loaded.messages == message_triggers(check(project.folder))
    (trigger,) = loaded.messages
    assert trigger.inclusion == {"a": Decimal("1.1"), "b": ["yes", "2019-12-01", None]}
    assert trigger.exclusions == ({"c": Decimal("0.5")},)
    assert repr(trigger.inclusion["a"]) == "Decimal('1.1')"


def test_what_is_compiled_names_its_inboxes_by_hash_and_its_jobs_by_file(project, compiled):
    folder = compiled(more_ids={"field": "c" * 64})
    loaded = load(folder)
    assert list(loaded.inboxes) == ["a" * 64, "c" * 64]
    assert loaded.jobs["go"].expression == folder / "jobs/go.py"
    assert loaded.jobs["go"].expression.read_text() == JOB


def test_a_project_with_mistakes_writes_nothing(project, compiled, tmp_path):
    project.write("jobs/go.py", "")
    with pytest.raises(ProjectMistakes):
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
def test_the_version_changes_with_what_is_deployed(project, compiled, file, content):
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
def test_the_version_does_not_change_with_what_is_not_deployed(project, compiled, file, content):
    before = load(compiled()).version
    project.write(file, content)
    assert load(compiled()).version == before


def test_the_version_is_the_same_when_a_folder_is_compiled_into_twice(project, tmp_path):
    written = []
    for _ in range(2):
        compile_project(project.folder, tmp_path / "layer")
        written.append((tmp_path / "layer/project.json").read_bytes())
    assert written[0] == written[1]


def test_a_module_beside_a_job_can_be_imported_by_it_where_it_is_deployed(project, compiled):
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


def test_a_mistake_in_a_module_beside_a_job_is_told_where_the_job_imports_it(project, mistakes):
    project.write("jobs/spoiled.py", "x = 1\nx = nowhere\n")
    project.write("jobs/go.py", "import os\nimport spoiled\n")
    assert mistakes() == [
        "jobs/go.py:2: NameError: name 'nowhere' is not defined; is it spelt right, and imported?"
    ]


def test_nothing_secret_or_hidden_and_no_test_is_copied(project, compiled):
    for name in ("credentials/dhis2.json", "credentials.json", ".env", "deep/credentials/x.json"):
        project.write(f"jobs/{name}", "hunter2")
    for name in ("tests/test_go.py", "jobs/tests/test_go.py", "tests/events/a.json"):
        project.write(name, "hunter2")
    project.write("credentials/dhis2.json", "hunter2")
    project.write("jobs/deep/codes.csv", "a,b\n")
    folder = compiled()
    assert sorted(
        str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()
    ) == [
        "jobs/deep/codes.csv",
        "jobs/go.py",
        "project.json",
    ]
    assert "hunter2" not in (folder / "project.json").read_text()


def test_a_link_to_nowhere_beside_a_job_does_not_stop_the_build(project, compiled):
    (project.folder / "jobs/gone.py").symlink_to("nowhere.py")
    assert (compiled() / "jobs/go.py").exists()


@pytest.mark.parametrize(("spoil", "status"), [(False, 0), (True, 1)])
def test_the_build_stops_at_a_mistake_with_words_on_standard_error(
    project, tmp_path, monkeypatch, capsys, spoil, status
):
    if spoil:
        project.change("name: demo", "name: de mo")
    monkeypatch.setattr(sys, "argv", ["compiler", str(project.folder), str(tmp_path / "layer")])
    assert main() == status
    assert capsys.readouterr().err.startswith("project.yaml:1: name: " if spoil else "")
    assert (tmp_path / "layer/project.json").exists() is not spoil


def test_what_is_compiled_is_json_that_needs_nothing_more(project, compiled):
    content = json.loads((compiled() / "project.json").read_text())
    assert content["triggers"]["form"] == {
        "inbox": None,
        "inclusion": {"formId": "registration"},
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
def test_an_inbox_is_ordered_where_a_trigger_that_may_take_its_messages_asks_for_it(
    project, compiled, options, ordered
):
    text = GOOD.replace(INCLUSION, f"{INCLUSION}\n    {options}")
    other = f"  other: {{id_sha256: {'b' * 64}}}\n"
    project.write("project.yaml", text.replace("triggers:\n", f"{other}triggers:\n"))
    inboxes = load(compiled()).inboxes.values()
    assert {each.name: each.ordered for each in inboxes} == ordered


@pytest.mark.parametrize(
    ("triggers", "place", "words"),
    [
        (
            "form: {success: gone}",
            "5: triggers.form.success",
            "there is no job `gone`; there is go",
        ),
        (
            "form: {failure: gone}",
            "5: triggers.form.failure",
            "there is no job `gone`; there is go",
        ),
        ("form: {success: go}", "8: jobs.go.trigger", "go waits for go: none would ever run"),
    ],
)
def test_a_flow_trigger_that_leads_nowhere_or_to_itself_is_refused(project, triggers, place, words):
    project.change("form:\n    inclusion: {formId: registration}", triggers)
    with pytest.raises(ProjectMistakes) as raised:
        check(project.folder)
    assert str(raised.value).startswith(f"project.yaml:{place}: {words}")


def test_jobs_that_wait_for_each_other_are_told_once_with_the_whole_circle(project):
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
    with pytest.raises(ProjectMistakes) as raised:
        check(project.folder)
    (mistake,) = raised.value.mistakes
    assert mistake.line == 10
    assert mistake.what.startswith("jobs.a.trigger: a waits for c waits for b waits for a: none")
