"""What the zygote imports for the project's jobs, and how workers load the project's modules."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys

import pytest

from adaptors._runtime import late_imports
from openfn.workers import project_modules
from tests.conftest import ROOT

ADAPTORS = ROOT / "layers/adaptors/adaptors"
IMPORT = """
import json, sys
from adaptors._runtime.job_runtime import AdaptorRuntime
from openfn.workers import preloading
preloading.import_modules(AdaptorRuntime(), sys.argv[1], ())
print(json.dumps(list(sys.modules)))
"""
JOBS = {
    "register": "import mappings\nfrom adaptors.dhis2 import create\n",
    "mappings": "import sched\nfrom rules import check\nimport boto3\n",
    "rules": "import mappings\nfrom adaptors.common import validate\n",
    "broken": "import (\n",
}


def preloaded(folder, adaptor, jobs):
    """Return the modules that a zygote has imported for a project with one adaptor."""
    project = {"credentials": {"destination": {"adaptor": adaptor}}, "jobs": {}}
    for name, source in jobs.items():
        (folder / f"{name}.py").write_text(source, "utf-8")
        project["jobs"][name] = {"expression": f"{name}.py"}
    (folder / "project.json").write_text(json.dumps(project), "utf-8")
    command = [sys.executable, "-c", IMPORT, str(folder)]
    return set(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def test_libraries_of_the_jobs_and_of_the_modules_beside_them_are_imported(tmp_path):
    modules = preloaded(tmp_path, "dhis2", JOBS)
    assert {"adaptors.dhis2", "sched", "jsonschema"} <= modules
    assert not modules & {"boto3", "mappings", "rules", "jsonpath", "simple_salesforce"}


def test_libraries_that_adaptors_import_late_are_imported_if_a_job_needs_them(tmp_path):
    job = "from adaptors.salesforce import query\nquery('$.data[?@.age > 3].id')\n"
    modules = preloaded(tmp_path, "salesforce", {"job": job})
    assert {"simple_salesforce.login", "jsonpath.selectors"} <= modules
    assert not modules & {"jsonschema", "xlsxwriter"}


def late_imports_of_adaptors():
    for path in sorted(ADAPTORS.rglob("*.py")):
        tree = ast.parse(path.read_bytes())
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Import):
                        yield from (alias.name for alias in node.names)
                    elif isinstance(node, ast.ImportFrom):
                        yield node.module


def test_every_library_that_adaptors_import_late_is_listed():
    tables = (late_imports.BY_ADAPTOR, late_imports.BY_NAME)
    listed = {name for table in tables for names in table.values() for name in names}
    listed |= {*late_imports.BY_JSONPATH, *late_imports.BY_CREDENTIAL}
    tops = {name.partition(".")[0] for name in listed}
    late = {name for name in late_imports_of_adaptors() if not name.startswith("adaptors")}
    assert {name.partition(".")[0] for name in late} == tops


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path_hooks", list(sys.path_hooks))
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "jobs")])
    project_modules.keep_code(str(tmp_path))
    (tmp_path / "jobs").mkdir()

    def load_anew(name):
        for loaded in [module for module in sys.modules if module.partition(".")[0] == name]:
            del sys.modules[loaded]
        return importlib.import_module(name)

    yield load_anew
    sys.path_importer_cache.clear()


def test_module_of_the_project_is_loaded_anew_without_reading_its_file(tmp_path, load):
    path = tmp_path / "jobs/patients_seen.py"
    path.write_text("names = []\n", "utf-8")
    load("patients_seen").names.append("Amina")
    modified = path.stat().st_mtime_ns
    path.write_text("raise RuntimeError('read again')\n", "utf-8")
    os.utime(path, ns=(modified, modified))
    assert load("patients_seen").names == []


def test_module_of_the_project_that_has_changed_is_compiled_again(tmp_path, load):
    path = tmp_path / "jobs/village_codes.py"
    path.write_text("codes = 1\n", "utf-8")
    assert load("village_codes").codes == 1
    path.write_text("codes = 2\n", "utf-8")
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
    assert load("village_codes").codes == 2
    assert not (tmp_path / "jobs/__pycache__").exists()


def test_packages_of_the_project_are_loaded_too(tmp_path, load):
    (tmp_path / "jobs/district_rules").mkdir()
    (tmp_path / "jobs/district_rules/__init__.py").write_text("from . import malaria\n", "utf-8")
    (tmp_path / "jobs/district_rules/malaria.py").write_text("limit = 7\n", "utf-8")
    assert load("district_rules").malaria.limit == 7


def test_modules_elsewhere_are_loaded_as_usual(load):
    assert not type(load("sched").__loader__).__module__.startswith("openfn")
