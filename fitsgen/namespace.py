"""The names that an expression can use, as the language defines them."""

from __future__ import annotations

APT = "apt"
"""The source of proposals: it is called with a path, and a default."""

SOURCES = ("input", "output", "param", APT)
"""What a conversion reads; any other name that is called is a data file."""

FUNCTIONS = (
    "now",
    "version",
    "toMJD",
    "fromfitstime",
    "tofitstime",
    "date_and_time_to_cds",
    "map",
    "substr",
)
"""The language's own functions, defined in `fitsgen.runtime.functions`."""

CHECKS = (
    *("is_empty", "is_integer", "is_float", "is_numeric", "is_string", "is_bool"),
    *("is_date", "is_cds", "in_range", "regex"),
)
"""The language's own questions about a value, defined in `fitsgen.runtime.checks`."""

VALUE = "x"
"""In a verification template: the value that is checked."""

BUILTINS = (
    *("int", "float", "str", "bool", "len", "abs", "min", "max", "sum", "round", "sorted"),
    *("any", "all", "zip", "enumerate", "range", "list", "tuple", "dict"),
)
"""Python's functions that an expression may call."""

LOGICALS = ("T", "F")
"""True and false, as a FITS header writes them."""

NUMPY = "np"
"""The functions of NumPy that compute."""

KNOWN = frozenset((*SOURCES, *FUNCTIONS, *CHECKS, *BUILTINS, *LOGICALS, NUMPY))
"""Every name with a meaning of its own."""

NOT_SOURCES = KNOWN - frozenset(SOURCES)
"""The names that stand for something other than a source."""
