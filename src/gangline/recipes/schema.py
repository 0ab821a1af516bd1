"""The JSON schema of a recipe, from its declaration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from gangline.recipes.fields import Field

__all__ = ["schema_of"]


def schema_of(
    title: str, text: str | None, inputs: Mapping[str, Field], outputs: Mapping[str, Field]
) -> dict[str, Any]:
    """The schema of a recipe's inputs; what it gives stands beside it, under "x-outputs".

    Args:
        title: What the recipe is called.
        text: What it does.
        inputs: Its fields.
        outputs: Its fields.
    """
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": {name: _writable(field.schema()) for name, field in inputs.items()},
        "required": [name for name, field in inputs.items() if field.required],
        "additionalProperties": False,
    }
    if text:
        schema["description"] = text
    if outputs:
        schema["x-outputs"] = {name: _writable(field.schema()) for name, field in outputs.items()}
    return schema


def _writable(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema whose default is what JSON knows."""
    import json

    if "default" in schema:
        try:
            schema["default"] = json.loads(json.dumps(schema["default"], default=os.fspath))
        except (TypeError, ValueError):
            del schema["default"]
    return schema
