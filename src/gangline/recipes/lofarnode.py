"""The part of a recipe that runs on a host, under the name of the module that it had in older systems."""

from __future__ import annotations

from gangline.recipes.node import LOFARnode, LOFARnodeTCP, NodeScript

__all__ = ["LOFARnode", "LOFARnodeTCP", "NodeScript"]
