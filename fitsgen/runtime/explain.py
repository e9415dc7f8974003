"""Why an expression failed, in the words of the person who wrote the template."""

from __future__ import annotations

import re

from fitsgen.diagnostics import FitsgenError, Problem

# What Python says, and what it means for a header.
PHRASES = (
    (
        r"'NoneType' object has no attribute '(\w+)'",
        r"None has no .\1; .data is None where an HDU has no data",
    ),
    (r"invalid literal for int\(\) with base \d+: (.*)", r"\1 is no whole number"),
    (r"could not convert string to float: (.*)", r"\1 is no number"),
    (r"can only concatenate str \(not \"(\w+)\"\) to str", r"text and \1 cannot be added"),
    (r"can't multiply sequence by non-int of type '(\w+)'", r"text and \1 cannot be multiplied"),
    (
        r"unsupported operand type\(s\) for (\S+?):? '(\w+)' and '(\w+)'",
        r"\1 does not work between \2 and \3",
    ),
    (
        r"'(\S+)' not supported between instances of '(\w+)' and '(\w+)'",
        r"\1 does not work between \2 and \3",
    ),
)


MAX_TOLD = 400
"""Characters of what Python says: a value in it may be of any length."""


def in_plain_words(error: BaseException) -> str:
    """Return what an exception means."""
    text = str(error)
    text = text if len(text) <= MAX_TOLD else f"{text[:MAX_TOLD]}..."
    match error:
        case FitsgenError():
            return "; ".join(map(_with_file, error.problems))
        case ZeroDivisionError():
            return "division by zero"
        case KeyError() if type(error) is KeyError:
            return f"{text} is not in the table"
        case MemoryError():
            return f"there is not enough memory: {text}" if text else "there is not enough memory"
        case RecursionError():
            return "the values of this file refer to one another too deeply"
        case OverflowError():
            return f"a number is too large: {text}"
        case TypeError() | ValueError() | LookupError() | AttributeError():
            return _translated(text) or type(error).__name__
    return f"{type(error).__name__}: {text}"


def _with_file(problem: Problem) -> str:
    return f"{problem.position}: {problem.message}" if problem.position else problem.message


def _translated(text: str) -> str:
    for pattern, words in PHRASES:
        if match := re.fullmatch(pattern, text):
            return re.sub(r"\bstr\b", "text", match.expand(words))
    return text
