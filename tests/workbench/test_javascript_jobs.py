"""`ofn check` and the build of JavaScript jobs; a project without one pays nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from openfn import ids
from openfn.messages.store import Message
from tests.conftest import write_project
from workbench.console import trials
from workbench.project import job_languages
from workbench.project.compiler import check, compile_project
from workbench.project.yaml_source import ProjectProblems

ROOT = Path(__file__).parents[2]
PROJECT = """
triggers: {{all: {{inclusion: {{}}}}}}
credentials: {{system: {{adaptor: http}}, other: {{adaptor: odk}}}}
jobs:
  a: {{trigger: all, expression: jobs/{file}{more}}}
"""


def problems(folder, code, more="", file="a.js"):
    """Return the problems of a project with one job."""
    name = file if file.endswith(".js") else file.removesuffix(".py")
    write_project(folder, PROJECT.format(file=file, more=more), {name: code})
    try:
        check(folder)
    except ProjectProblems as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("code", "more", "problem"),
    [
        (
            "fn(s => s);\nfn(x => );",
            "",
            "jobs/a.js:2: This is not valid JavaScript: Unexpected token.",
        ),
        (
            "fn(s => s);\ndataVale('x');",
            "",
            "jobs/a.js:2: `dataVale` is not defined, and common has no operation of this name.",
        ),
        (
            "post('x', {});",
            ", adaptor: http@6, credential: other",
            "project.yaml:7: jobs.a.adaptor: The job has the operations of http, but its",
        ),
        (
            "fn(s => s);",
            ", adaptor: mssql@2",
            "project.yaml:7: jobs.a.adaptor: JavaScript jobs have no adaptor `mssql@2`.",
        ),
        (
            "fn(s => s);",
            ", credential: other",
            "project.yaml:7: jobs.a.expression: JavaScript jobs have no adaptor `odk`.",
        ),
    ],
    ids=["syntax", "name", "credential", "adaptor", "adaptor of credential"],
)
def test_problem_has_file_line_and_fix(tmp_path, code, more, problem):
    found = problems(tmp_path, code, more)
    assert found
    assert found[0].startswith(problem)


@pytest.mark.parametrize(
    "more", ["", ", credential: system", ", adaptor: http@6, credential: system"]
)
def test_valid_job_has_no_problem(tmp_path, more):
    assert problems(tmp_path, "fn(state => { console.log(JSON.stringify(state)); });", more) == []


def test_adaptor_of_a_python_job_is_a_problem(tmp_path):
    found = problems(tmp_path, "fn", ", adaptor: http", "a.py")
    assert any("Only a JavaScript job has an adaptor." in problem for problem in found)


def test_build_compiles_each_job_beside_its_file(tmp_path):
    (tmp_path / "source").mkdir()
    write_project(
        tmp_path / "source", PROJECT.format(file="a.js", more=""), {"a.js": "fn(s => s);"}
    )
    compile_project(tmp_path / "source", tmp_path / "layer")
    names = {path.name for path in (tmp_path / "layer/jobs").iterdir()}
    assert names == {"a.js", "a.js.compiled"}
    assert job_languages.has_jobs(tmp_path / "source", ".js")


def test_project_without_a_javascript_job_has_no_layer_and_imports_nothing_of_it():
    assert not job_languages.has_jobs(ROOT / "project", ".js")
    code = (
        "import sys; from pathlib import Path; from workbench.project import compiler; "
        "compiler.check(Path('project')); from openfn.workers import preloading; "
        "from adaptors._runtime.job_runtime import AdaptorRuntime; "
        "preloading.import_modules(AdaptorRuntime(), 'project', []); "
        "from openfn.jobs import attempt, loading; "
        "print([name for name in sys.modules if 'quickjs' in name or name == 'javascript'])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_console_tries_a_job_with_the_operations_of_its_adaptor(tmp_path):
    code = "post('patients', { body: dataValue('name') });\n"
    more = ", adaptor: http@6, credential: system"
    write_project(tmp_path, PROJECT.format(file="a.js", more=more), {"a.js": code})
    trial = trials.run(tmp_path, "a", Message(ids.new_message_id(), "in", b'{"name": "Amina"}'))
    assert trial.error is None
    assert [request["body"] for request in trial.requests] == ["Amina"]
