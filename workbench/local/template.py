"""template.yaml as CloudFormation, made by SAM's own translator."""

from __future__ import annotations

import json
import logging
from functools import cache
from pathlib import Path
from typing import Any, cast

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
CODE_BUCKET = "openfn-code"
"""Where the translated template says that the code of functions and layers is."""
# SAM's translator warns at its end that nobody published its own usage metrics.
logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)
Template = dict[str, Any]


def translate() -> Template:
    """Give template.yaml as the CloudFormation that a deployment creates."""
    translated: Template = json.loads(_translated())
    return translated


@cache
def _translated() -> str:
    template: Template = cast("Any", yaml_parse)((ROOT / "template.yaml").read_text("utf-8"))
    for name, resource in template["Resources"].items():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Metadata"] = {"Folder": Path(resource["Properties"][key]).name}
                resource["Properties"][key] = f"s3://{CODE_BUCKET}/{name}.zip"
    return json.dumps(transform(template, {}, cast("Any", _NoPolicies())))


class _NoPolicies:
    def load(self) -> dict[str, str]:
        return {}
