"""YAML as people write it: read with the line of every key, and what is said when it is none.

YAML 1.2: an answer of `yes` stays a string, as forms send it, and so does a date. A number that a
float cannot hold exactly becomes a `Decimal`, for the reader to refuse.
"""

from __future__ import annotations

from collections.abc import Iterable
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
_OPENED = ("while parsing a flow", "while scanning a quoted scalar")
_REMEDIES = (
    ("found character '\\t'", "indent with spaces, not with a tab"),
    ("that cannot start any token", "put the text in quotes"),
    ("found undefined alias", "a text that begins with * must stand in quotes"),
    ("could not determine a constructor", "put the text in quotes"),
    ("found unhashable key", "a key is text: put it in quotes"),
    (
        "mapping values are not allowed here",
        "put text that holds a colon in quotes, or indent less",
    ),
    ("expected <block end>", "give this line the indent of those it belongs with"),
    ("found another document", "keep one document: --- begins another"),
)


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """Something to mend before the project can be deployed."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class ProjectMistakes(Exception):
    """All that was found wrong with a project, by file and line."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = sorted(set(mistakes))
        super().__init__("\n".join(map(str, self.mistakes)))


@dataclass(frozen=True, slots=True)
class Source:
    """A YAML file as it was written; knows on which line a key stands."""

    file: str
    written: Any
    root: Node | None

    def mistake(self, path: Keys, what: str) -> Mistake:
        """Say what is wrong at a path of keys: on the line of the deepest that is there."""
        node, line, names = self.root, 1, []
        for step in path:
            found = _below(node, step)
            if found:
                line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(step, int) and node:
                continue  # one value may be written where a list is read
            else:
                node = None
            names.append(str(step))
        where = ".".join(names)
        return Mistake(self.file, line, f"{where}: {what}" if where else what)


def read(path: Path) -> Source:
    """Read a YAML file; raises `ProjectMistakes` when there is none or it is no YAML."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        what = "there is no such file; a project is a folder with a project.yaml"
        raise ProjectMistakes([Mistake(str(path), 1, what)]) from None
    except OSError as error:
        raise ProjectMistakes(
            [Mistake(str(path), 1, f"cannot be read: {error.strerror}")]
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        what = "this is not UTF-8 text; save the file as UTF-8"
        raise ProjectMistakes([Mistake(path.name, line, what)]) from None
    try:
        return Source(path.name, _yaml().load(text), _yaml().compose(text))
    except YAMLError as error:
        raise ProjectMistakes([_mistake(path.name, text, error)]) from None
    except RecursionError:
        raise ProjectMistakes(
            [Mistake(path.name, 1, "lists or keys are nested too deeply")]
        ) from None


def exact(text: str) -> float | Decimal:
    """Give a fraction as a float if that is the very same number, else as a `Decimal`."""
    value = float(text)
    try:
        return value if Decimal(repr(value)) == Decimal(text) else Decimal(text)
    except InvalidOperation:  # an exponent that no number type has: infinite
        return value


def exact_int(text: str) -> int | Decimal:
    """Give a whole number, as a `Decimal` if it has more digits than Python reads."""
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


class _Constructor(SafeConstructor):
    """YAML's own types, but a date stays the text that a form would send."""

    def construct_yaml_float(self, node: Any) -> Any:
        try:
            return exact(node.value.replace("_", ""))
        except ValueError:  # .inf and .nan
            return super().construct_yaml_float(node)

    def construct_yaml_int(self, node: Any) -> Any:
        try:
            return super().construct_yaml_int(node)
        except ValueError:
            return exact_int(node.value.replace("_", ""))

    def check_mapping_key(
        self, _node: Any, key_node: Any, mapping: Any, key: Any, _value: Any
    ) -> bool:
        if key in mapping:
            what = f"the key `{key}` is written twice; keep one of them"
            raise ConstructorError(None, None, what, key_node.start_mark)
        return True


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
_Constructor.add_constructor("tag:yaml.org,2002:float", _Constructor.construct_yaml_float)
_Constructor.add_constructor("tag:yaml.org,2002:int", _Constructor.construct_yaml_int)


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    return yaml


def _below(node: Node | None, step: Any) -> tuple[Node, Node] | None:
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    if isinstance(node, MappingNode):
        return next(((key, each) for key, each in node.value if _is(key, step)), None)
    return None


def _is(key: Node, step: Any) -> bool:
    if not isinstance(key, ScalarNode):
        return False
    typed = str(key.tag).endswith((":bool", ":null"))
    return bool(str(_yaml().load(key.value) if typed else key.value) == str(step))


def _mistake(file: str, text: str, error: YAMLError) -> Mistake:
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        what = f"the invisible character U+{error.character:04X} cannot stand here; delete it"
        return Mistake(file, line, what)
    if not isinstance(error, MarkedYAMLError) or not isinstance(error.problem_mark, StringMark):
        return Mistake(file, 1, f"not YAML: {error}")
    line, problem = error.problem_mark.line + 1, str(error.problem)
    if problem.startswith("the key"):
        return Mistake(file, line, problem)
    remedies = [remedy for part, remedy in _REMEDIES if part in problem][:1]
    if str(error.context).startswith(_OPENED) and isinstance(error.context_mark, StringMark):
        opened = error.context_mark.line + 1
        remedies = [f"is the bracket or quote of line {opened} closed, with commas between?"]
        if _indent(text, line) <= _indent(text, opened):
            line = opened
    return Mistake(file, line, "; ".join([f"not YAML: {problem}", *remedies]))


def _indent(text: str, line: int) -> int:
    shown = [*text.split("\n"), ""][line - 1]
    return len(shown) - len(shown.lstrip())
