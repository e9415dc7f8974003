"""Why an expression failed, in the words of the person who wrote the template."""

from __future__ import annotations

from fitsgen.diagnostics import FitsgenError


def in_plain_words(error: BaseException) -> str:
    """Return what an exception means."""
    text = str(error)
    match error:
        case FitsgenError():
            return "; ".join(problem.message for problem in error.problems)
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
            return text or type(error).__name__
    return f"{type(error).__name__}: {text}"
