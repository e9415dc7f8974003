"""Something that an expression may not say, and where: what the checks of expressions yield."""

from __future__ import annotations

import ast
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of an expression that is wrong; an attribute is wrong in its name."""

    node: ast.expr | ast.keyword
    message: str
    hint: str = ""
    warns: bool = False
