"""Read project.yaml with the line of every key, and report syntax problems.

YAML 1.2: `yes` and dates stay text, as forms send them. A number that a float cannot hold exactly
becomes a `Decimal`, which the schema refuses.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

Keys = tuple[Any, ...]
"""A path of keys and list positions."""
_IN_BRACKETS_OR_QUOTES = ("while parsing a flow", "while scanning a quoted scalar")
# Aliases of aliases (`&a`, `*a`) can stand for millions of values in a few lines.
_MAX_REPEATED = 100_000
_FIXES = (
    ("found character '\\t'", "Indent with spaces, not with a tab."),
    ("that cannot start any token", "Put the text in quotes."),
    ("found undefined alias", "Put text that begins with * in quotes."),
    ("could not determine a constructor", "Put the text in quotes."),
    ("found unhashable key", "A key must be text. Put it in quotes."),
    (
        "mapping values are not allowed here",
        "Put text with a colon in quotes, or indent the line less.",
    ),
    ("expected <block end>", "Indent this line like the lines it belongs to."),
    ("found another document", "Keep one document: --- begins a second one."),
)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A problem in a project's file that has to be fixed before it is deployed."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """Return the problem for `--json`."""
        return {"file": self.file, "line": self.line, "what": self.message}


class ProjectProblems(Exception):
    """All problems of a project, by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class YamlSource:
    """The content of a YAML file and the nodes that know its lines."""

    file: str
    content: Any
    root: Node | None

    def problem(self, path: Keys, message: str) -> Problem:
        """Return a problem on the line of the deepest key of a path that exists."""
        node, line, names = self.root, 1, []
        for step in path:
            child = _child(node, step)
            if child:
                line, node = child[0].start_mark.line + 1, child[1]
            elif isinstance(step, int) and node:
                continue  # a single value may be written where a list is read
            else:
                node = None
            names.append(str(step))
        location = ".".join(names)
        return Problem(self.file, line, f"{location}: {message}" if location else message)


def read_yaml(path: Path) -> YamlSource:
    """Read a YAML file. Raises ProjectProblems when it is missing or not YAML."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        message = "This file does not exist. A project is a folder with a project.yaml."
        raise ProjectProblems([Problem(str(path), 1, message)]) from None
    except OSError as error:
        message = f"This file cannot be read: {error.strerror}."
        raise ProjectProblems([Problem(str(path), 1, message)]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = "This is not UTF-8 text. Save the file as UTF-8."
        raise ProjectProblems([Problem(path.name, line, message)]) from None
    try:
        yaml = _yaml()
        root = yaml.compose(text)
        _check_aliases(path.name, root)
        # Merging keys (`<<`) changes the nodes, which must keep their lines.
        nodes = deepcopy(root) if "<<" in text else root
        content = None if nodes is None else yaml.constructor.construct_document(nodes)
        return YamlSource(path.name, content, root)
    except YAMLError as error:
        raise ProjectProblems([_problem_of(path.name, text, error)]) from None
    except RecursionError:
        message = "Lists or keys are nested too deeply."
        raise ProjectProblems([Problem(path.name, 1, message)]) from None


def parse_fraction(text: str) -> float | Decimal:
    """Return a float if it equals the number exactly, else a `Decimal`."""
    value = float(text)
    try:
        return value if Decimal(repr(value)) == Decimal(text) else Decimal(text)
    except InvalidOperation:  # the exponent is too large for any number type
        return value


def parse_integer(text: str) -> int | Decimal:
    """Return an integer, or a `Decimal` if Python cannot read that many digits."""
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


class _Constructor(SafeConstructor):
    """YAML's own types, except that dates stay text."""

    def construct_yaml_float(self, node: Any) -> Any:
        try:
            return parse_fraction(node.value.replace("_", ""))
        except ValueError:  # .inf and .nan
            return super().construct_yaml_float(node)

    def construct_yaml_int(self, node: Any) -> Any:
        try:
            return super().construct_yaml_int(node)
        except ValueError:
            return parse_integer(node.value.replace("_", ""))

    def check_mapping_key(
        self, _node: Any, key_node: Any, mapping: Any, key: Any, _value: Any
    ) -> bool:
        if key in mapping:
            message = f"The key `{key}` is written twice. Keep one of them."
            raise ConstructorError(None, None, message, key_node.start_mark)
        return True


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
_Constructor.add_constructor("tag:yaml.org,2002:float", _Constructor.construct_yaml_float)
_Constructor.add_constructor("tag:yaml.org,2002:int", _Constructor.construct_yaml_int)


def _check_aliases(file: str, root: Node | None) -> None:
    """Raise ProjectProblems if the aliases repeat too much, or if one contains itself."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size_of(node: Node) -> int:
        if id(node) in open_nodes:
            raise _alias_problem(file, node, "An alias below this line repeats what contains it.")
        if id(node) not in sizes:
            open_nodes.add(id(node))
            sizes[id(node)] = size = 1 + sum(map(size_of, _children(node)))
            open_nodes.remove(id(node))
            if size - len(sizes) > _MAX_REPEATED:
                message = f"The aliases below this line repeat more than {_MAX_REPEATED:,} values."
                raise _alias_problem(file, node, message)
        return sizes[id(node)]

    if root:
        size_of(root)


def _children(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [child for pair in node.value for child in pair]
    return node.value if isinstance(node, SequenceNode) else []


def _alias_problem(file: str, node: Node, message: str) -> ProjectProblems:
    return ProjectProblems([Problem(file, node.start_mark.line + 1, message)])


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    return yaml


def _child(node: Node | None, step: Any) -> tuple[Node, Node] | None:
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if _is_key(key, step)), None)
    return None


def _is_key(node: Node, step: Any) -> bool:
    if not isinstance(node, ScalarNode):
        return False
    typed = str(node.tag).endswith((":bool", ":null"))
    return bool(str(_yaml().load(node.value) if typed else node.value) == str(step))


def _problem_of(file: str, text: str, error: YAMLError) -> Problem:
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        message = f"Delete the invisible character U+{error.character:04X}."
        return Problem(file, line, message)
    if not isinstance(error, MarkedYAMLError) or not isinstance(error.problem_mark, StringMark):
        return Problem(file, 1, f"This is not YAML: {error}")
    line, problem = error.problem_mark.line + 1, str(error.problem)
    if problem.startswith("The key"):
        return Problem(file, line, problem)
    fixes = [fix for part, fix in _FIXES if part in problem][:1]
    is_open = str(error.context).startswith(_IN_BRACKETS_OR_QUOTES)
    if is_open and isinstance(error.context_mark, StringMark):
        opened = error.context_mark.line + 1
        fixes = [f"Close the bracket or quote of line {opened}, and check the commas in it."]
        if _indent(text, line) <= _indent(text, opened):
            line = opened
    return Problem(file, line, " ".join([f"This is not YAML: {problem}.", *fixes]))


def _indent(text: str, line: int) -> int:
    content = [*text.split("\n"), ""][line - 1]
    return len(content) - len(content.lstrip())
