"""Add a `meta/instanceID` to the XML of a form that has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from adaptors._openrosa import xforms

_ROOT, _META, _INSTANCE_ID = 1, 2, 3  # their depths


def add(xml: str, instance_id: str, fields: Mapping[str, str] | None = None) -> str:
    """Return the form with this id in its `meta`, and with nothing else changed.

    A form without `meta` gets one that has these fields too; a field with `@` is an
    attribute. The form is well-formed XML.

    >>> add("<data><name>Amina</name><o:meta xmlns:o='o'/></data>", "7")
    "<data><name>Amina</name><o:meta xmlns:o='o'><o:instanceID>7</o:instanceID></o:meta></data>"
    """
    document = xml.encode()
    ends = _find_ends(document)
    deepest = max(ends)
    name, position = ends[deepest]
    prefix = name[: name.rfind(":") + 1]
    content = escape(instance_id)
    if deepest == _META:
        content = f"<{prefix}instanceID>{content}</{prefix}instanceID>"
    elif deepest == _ROOT:
        content = _meta(instance_id, fields or {})
    before, after = document[:position].decode(), document[position:].decode()
    if after.startswith(f"</{name}"):
        return f"{before}{content}{after}"
    return f"{before.removesuffix('/>')}>{content}</{name}>{after}"  # it was an empty element


def _meta(instance_id: str, fields: Mapping[str, str]) -> str:
    return xforms.write({"#type": "meta", **fields, "instanceID": instance_id})


@dataclass(slots=True)
class _Elements:
    """The qualified names of the open elements, and what is known about the path to the id."""

    open_names: list[str] = field(default_factory=list)
    ends: dict[int, tuple[str, int]] = field(default_factory=dict)

    def end(self, position: int) -> None:
        """Store the position of an end tag if it belongs to the root, its meta, or the id."""
        path = [name.rpartition(":")[2] for name in self.open_names[1:]]
        if path == ["meta", "instanceID"][: len(path)]:
            self.ends.setdefault(len(self.open_names), (self.open_names[-1], position))
        self.open_names.pop()


def _find_ends(document: bytes) -> dict[int, tuple[str, int]]:
    """Return names and positions of end tags by depth; behind an element without end tag."""
    elements = _Elements()
    parser = expat.ParserCreate("utf-8")  # whatever encoding the form declares
    parser.StartElementHandler = lambda name, _attributes: elements.open_names.append(name)
    parser.EndElementHandler = lambda _name: elements.end(parser.CurrentByteIndex)
    parser.Parse(document, True)  # noqa: FBT003 - expat has no keyword for it
    return elements.ends
