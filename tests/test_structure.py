"""Who may import whom, and what a function's start may not drag in."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = sorted((ROOT / "functions").glob("*/*.py"))
CORE = sorted((ROOT / "layers/core/openfn").glob("*.py"))
ADAPTORS = sorted((ROOT / "layers/adaptors/adaptors").rglob("*.py"))
WORKBENCH = sorted((ROOT / "workbench").glob("*.py"))
# From the ground up: a module of the core layer imports only those that stand before it.
FLOORS = [
    "__init__",
    "errors",
    "fragments",
    "index",
    "ids",
    "joblog",
    "metrics",
    "queues",
    "forms",
    "xmlbodies",
    "bodies",
    "triggers",
    "aws",
    "table",
    "contents",
    "secrets",
    "credentials",
    "inboxes",
    "messages",
    "jobstates",
    "runs",
    "outcomes",
    "circuits",
    "replays",
    "states",
    "expressions",
    "retries",
    "deadline",
    "project",
    "clock",
    "dispatch",
    "emissions",
    "masking",
    "erasure",
    "audit",
    "attempts",
]


def imports(path):
    """Give the full names of the modules that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def tops(path):
    return {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_function_imports_the_core_layer_and_only_the_runner_the_adaptors(path):
    allowed = {"openfn", "adaptors"} if path.parent.name == "runner" else {"openfn"}
    ours = tops(path) & {"openfn", "adaptors", "functions", "workbench", "app"}
    assert ours <= allowed


@pytest.mark.parametrize("path", ADAPTORS, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_adaptor_knows_nothing_of_the_stack_nor_of_aws(path):
    forbidden = {"openfn", "functions", "workbench", "boto3", "botocore", "aws_lambda_powertools"}
    assert not tops(path) & forbidden


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_the_core_layer_imports_nothing_above_it(path):
    assert not tops(path) & {"adaptors", "functions", "workbench"}


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_a_module_of_the_core_layer_imports_only_what_stands_below_it(path):
    ours = {each.split(".")[1] for each in imports(path) if each.startswith("openfn.")}
    assert ours <= set(FLOORS[: FLOORS.index(path.stem)])


@pytest.mark.parametrize(
    "path", [*FUNCTIONS, *CORE], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_boto3_and_the_environment_appear_in_one_module(path):
    if path.name == "aws.py":
        return
    text = path.read_text("utf-8")
    assert "boto3" not in tops(path)
    assert "environ" not in text
    assert "getenv" not in text


@pytest.mark.parametrize("path", [*FUNCTIONS, *CORE, *ADAPTORS], ids=str)
def test_nothing_that_is_deployed_imports_the_workbench(path):
    assert "workbench" not in tops(path)


@pytest.mark.parametrize(
    "path", [*FUNCTIONS, *CORE, *ADAPTORS, *WORKBENCH], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_module_is_longer_than_250_lines_no_function_than_25_and_no_handler_than_15(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 250
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            limit = 15 if node.name == "lambda_handler" else 25
            body = node.body[1:] if ast.get_docstring(node) else node.body
            assert not body or body[-1].end_lineno - body[0].lineno < limit, node.name
