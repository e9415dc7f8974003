"""Parameters as text that keeps their types: Python literals.

In: the value of a parameter, or the text of one. Out: the other. Nothing is evaluated.
"""

from __future__ import annotations

import ast
import math
import warnings


class Unordered(ValueError):  # noqa: N818 - says what it is
    """A literal whose members have no order of their own."""


def literal(value: object) -> str:
    """Return a value as a Python literal.

    Parameters
    ----------
    value
        None, a bool, int, float, complex, str or bytes, or a list, tuple or dict of these.

    Raises
    ------
    ValueError
        It is something else, a NaN, or has no end.

    """
    try:
        return _literal(value)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _literal(value: object) -> str:
    kind = type(value)
    if value is None or kind in (bool, int, str, bytes):
        return repr(value)
    if kind is float and math.isinf(value):  # type: ignore[arg-type]
        return repr(value).replace("inf", "1e999")
    if kind in (float, complex):
        text = repr(value)
        # A complex number is the sum of two literals, which may lose the sign of a zero.
        if "n" not in text and repr(ast.literal_eval(text)) == text:
            return text
    match value:
        case list():
            return f"[{', '.join(map(_literal, value))}]"
        case tuple():
            return f"({''.join(f'{_literal(one)}, ' for one in value).removesuffix(' ')})"
        case dict():
            pairs = (f"{_literal(key)}: {_literal(one)}" for key, one in value.items())
            return f"{{{', '.join(pairs)}}}"
    raise ValueError(f"{kind.__name__} is no kind of literal")


def value_of(text: str) -> object:
    """Return the value of a literal.

    Raises
    ------
    Unordered
        It has a set in it.
    ValueError
        It is no literal.

    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode="eval")
        value = ast.literal_eval(tree)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        message = "this is no literal: a number, a text, or a list, tuple or dict of them"
        raise ValueError(message) from None
    if any(isinstance(node, ast.Set | ast.Call) for node in ast.walk(tree)):
        raise Unordered("a set has no order that is the same every time; give a list")
    return value
