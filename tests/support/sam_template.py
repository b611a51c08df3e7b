"""The resources of template.yaml as tests read them."""

from __future__ import annotations

from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

TEMPLATE = yaml_parse((Path(__file__).resolve().parents[2] / "template.yaml").read_text("utf-8"))
RESOURCES = TEMPLATE["Resources"]


def resources_of_type(resource_type):
    """Return the properties of all resources of a type, such as `AWS::SQS::Queue`, by name."""
    return {
        name: resource["Properties"]
        for name, resource in RESOURCES.items()
        if resource["Type"] == resource_type
    }
