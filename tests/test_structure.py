"""The structure of the code: allowed imports, and the size of modules, functions and folders.

Each test reads every file of its package and lists the offenders, so that one run shows them all.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from adaptors import DEPRECATED_MODULES

ROOT = Path(__file__).resolve().parents[1]
CORE, ADAPTORS = ROOT / "layers/core/openfn", ROOT / "layers/adaptors/adaptors"
CONSOLE = ROOT / "layers/console/console"
FUNCTIONS, WORKBENCH = ROOT / "functions", ROOT / "workbench"
JAVASCRIPT = ROOT / "layers/javascript/javascript"
# Fewer files than this mean that a folder has moved and the rules below check nothing.
AT_LEAST = {FUNCTIONS: 4, CORE: 40, ADAPTORS: 90, CONSOLE: 20, WORKBENCH: 70, JAVASCRIPT: 7}
# A package imports only the packages before it, and modules beside it.
CORE_ORDER = [
    {"control_characters", "errors", "log_events", "time_budget"},
    {"ids"},
    {"storage"},
    {"messages", "metrics"},
    {"project", "times"},
    {"runs"},
    {"history", "jobs"},
    {"workers"},
]
ADAPTORS_ORDER = [
    {"errors"},
    {"_formats", "absent", "credentials"},
    {"operations"},
    {"_runtime"},
    {"_http"},
    {"_openrosa"},
    {"sdk"},
]
WORKBENCH_ORDER = [
    {"delayed_writes", "errors", "environment", "terminal", "text"},
    {"project", "times"},
    {"store"},
    {"stack"},
    {"credentials"},
    {"testing", "local", "doctor"},
    {"console"},
    {"cli", "reference"},
]
# Names of the first release, which warn and lead to the new ones for one release.
DEPRECATED = {
    *(ADAPTORS / f"{name}.py" for name in DEPRECATED_MODULES),
    WORKBENCH / "jobtests.py",
}


def files(package):
    paths = [path for path in sorted(package.rglob("*.py")) if path not in DEPRECATED]
    assert len(paths) >= AT_LEAST[package], f"only {len(paths)} files in {package}"
    return paths


def deployed():
    layers = [*files(CORE), *files(ADAPTORS), *files(CONSOLE), *files(JAVASCRIPT)]
    return [*files(FUNCTIONS), *layers]


@cache
def imports(path):
    """Return the full names of the modules and objects that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return frozenset(names)


def top_packages(path):
    return {name.split(".")[0] for name in imports(path)}


def importers_of(paths, forbidden):
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in sorted(top_packages(path) & forbidden)
    ]


def unit_of(package, path):
    return path.relative_to(package).parts[0].removesuffix(".py")


def upward_imports(package, order):
    """List imports of a unit of `package` that is not below the importer's own unit."""
    level = {unit: number for number, units in enumerate(order) for unit in units}
    offenders = []
    for path in files(package):
        importer = unit_of(package, path)
        for name in sorted(imports(path)):
            parts = name.split(".")
            if parts[0] != package.name or len(parts) < 2 or importer == "__init__":
                continue
            imported = parts[1]
            if imported == importer or imported not in level:
                continue
            if level[imported] >= level.get(importer, len(order)):
                offenders.append(f"{path.relative_to(ROOT)} imports {name}")
    return offenders


def test_functions_import_the_core_layer_and_only_the_runner_imports_adaptors():
    others = [path for path in files(FUNCTIONS) if path.parent.name != "runner"]
    assert importers_of(others, {"adaptors"}) == []
    assert importers_of(files(FUNCTIONS), {"functions", "workbench", "app"}) == []


def test_only_the_console_function_imports_the_layer_of_the_console():
    others = [path for path in files(FUNCTIONS) if path.parent.name != "console"]
    assert importers_of([*others, *files(CORE), *files(ADAPTORS)], {"console", "jinja2"}) == []


def test_console_imports_the_core_layer_only():
    assert importers_of(files(CONSOLE), {"adaptors", "functions", "ruamel", "requests"}) == []


def test_adaptors_import_nothing_of_the_stack_and_nothing_of_aws():
    forbidden = {"openfn", "functions", "workbench", "boto3", "botocore", "aws_lambda_powertools"}
    assert importers_of(files(ADAPTORS), forbidden) == []


def test_the_javascript_runtime_imports_adaptors_and_nothing_of_the_stack():
    forbidden = {"openfn", "functions", "workbench", "boto3", "botocore", "aws_lambda_powertools"}
    assert importers_of(files(JAVASCRIPT), forbidden) == []


def test_nothing_that_is_deployed_imports_the_workbench():
    assert importers_of(deployed(), {"workbench"}) == []


def test_core_layer_imports_nothing_above_it():
    assert importers_of(files(CORE), {"adaptors", "functions", "javascript"}) == []


def test_every_package_of_the_core_layer_has_a_level():
    units = {unit_of(CORE, path) for path in files(CORE)} - {"__init__"}
    assert units <= set().union(*CORE_ORDER)


def test_core_packages_import_only_lower_packages():
    assert upward_imports(CORE, CORE_ORDER) == []


def test_shared_packages_of_adaptors_import_only_lower_packages():
    assert upward_imports(ADAPTORS, ADAPTORS_ORDER) == []


def test_systems_import_no_other_system_but_common():
    shared = set().union(*ADAPTORS_ORDER)
    offenders = []
    for path in files(ADAPTORS):
        importer = unit_of(ADAPTORS, path)
        allowed = shared if importer in shared else shared | {"common", importer}
        for name in sorted(imports(path)):
            package, imported, *_ = [*name.split("."), ""]
            if package == "adaptors" and importer != "__init__" and imported not in allowed:
                offenders.append(f"{path.relative_to(ROOT)} imports {name}")
    assert offenders == []


def test_workbench_packages_import_only_lower_packages():
    units = {unit_of(WORKBENCH, path) for path in files(WORKBENCH)} - {"__init__"}
    assert units <= set().union(*WORKBENCH_ORDER)
    assert upward_imports(WORKBENCH, WORKBENCH_ORDER) == []


def test_boto3_and_botocore_are_imported_in_openfn_storage_only():
    paths = [path for path in deployed() if CORE / "storage" not in path.parents]
    assert importers_of(paths, {"boto3", "botocore"}) == []


def test_the_environment_is_read_in_storage_and_for_proxies_only():
    allowed = {ADAPTORS / "_http/connections.py", CORE / "workers/environment.py"}
    offenders = [
        str(path.relative_to(ROOT))
        for path in deployed()
        if path not in allowed
        and CORE / "storage" not in path.parents
        and any(word in path.read_text("utf-8") for word in ("os.environ", "getenv"))
    ]
    assert offenders == []


def test_no_file_imports_relatively():
    paths = [*deployed(), *files(WORKBENCH)]
    relative = [path for path in paths if any(name.startswith(".") for name in imports(path))]
    assert relative == []


def test_no_folder_has_more_than_22_modules():
    paths = [*deployed(), *files(WORKBENCH)]
    folders = {path.parent for path in paths}
    crowded = [folder for folder in folders if sum(p.parent == folder for p in paths) > 22]
    assert crowded == []


def test_no_module_repeats_the_name_of_its_package():
    paths = [*files(CORE), *files(ADAPTORS), *files(CONSOLE), *files(WORKBENCH)]
    assert [path for path in paths if path.stem == path.parent.name] == []


def test_modules_functions_and_handlers_are_short():
    offenders = []
    for path in [*deployed(), *files(WORKBENCH)]:
        text, name = path.read_text("utf-8"), path.relative_to(ROOT)
        if len(text.splitlines()) > 250:
            offenders.append(f"{name} has more than 250 lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                limit = 15 if node.name == "lambda_handler" else 25
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body and body[-1].end_lineno - body[0].lineno >= limit:
                    offenders.append(f"{name}: {node.name} has more than {limit} lines")
    assert offenders == []
