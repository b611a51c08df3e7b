"""Translate template.yaml to CloudFormation with SAM's own translator."""

from __future__ import annotations

import json
import logging
from functools import cache
from pathlib import Path
from typing import Any, cast

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
CODE_BUCKET, CODE_KEY = "openfn-code", "code.zip"
"""The S3 object that the translated template names for all functions and layers."""
# SAM's translator warns at exit that its usage metrics were not published.
logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)
Template = dict[str, Any]


def translate() -> Template:
    """Return template.yaml as the CloudFormation template that a deployment uses."""
    template: Template = json.loads(_translate())
    return template


@cache
def _translate() -> str:
    template: Template = cast("Any", yaml_parse)((ROOT / "template.yaml").read_text("utf-8"))
    for resource in template["Resources"].values():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Metadata"] = {"Folder": Path(resource["Properties"][key]).name}
                resource["Properties"][key] = f"s3://{CODE_BUCKET}/{CODE_KEY}"
    return json.dumps(transform(template, {}, cast("Any", _NoPolicies())))


class _NoPolicies:
    def load(self) -> dict[str, str]:
        return {}
