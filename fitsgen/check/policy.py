"""What an expression may say: the allow-lists, as visible tables.

A name is on a list only if it is harmless on every type that can occur
(strings, numbers, lists, dicts, arrays, table columns, our views).
"""

from __future__ import annotations

import ast
import re

SYNTAX = (
    *(ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Name, ast.Attribute),
    *(ast.Subscript, ast.Slice, ast.Call, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare),
    *(ast.IfExp, ast.JoinedStr, ast.FormattedValue),
    *(ast.ListComp, ast.DictComp, ast.GeneratorExp),
)

# How a piece of syntax that is not allowed is called in a message.
REFUSED_SYNTAX = {
    ast.Lambda: "a lambda",
    ast.NamedExpr: "an assignment (:=)",
    ast.Starred: "a star argument",
    ast.Set: "a set (its order is not the same every time)",
    ast.SetComp: "a set (its order is not the same every time)",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
}

# How each source is asked.
SOURCE_HINTS = {
    "input": "look a keyword up, input('KEY'), or take an HDU, input[0]",
    "output": "look a keyword up, output('KEY'), or take an HDU, output[0]",
    "apt": "look an element up by its path, apt('.//Target/TargetName')",
    "param": "give the parameter's name, param('NAME')",
}

ATTRIBUTES = frozenset(
    "T dtype header imag itemsize kind name names nbytes ndim real shape size".split()
)

HDU_ATTRIBUTES = frozenset("data header name shape".split())

METHODS = frozenset(
    (
        # text
        "capitalize casefold center count endswith find index isalnum isalpha isascii isdecimal "
        "isdigit islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip "
        "removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip "
        "split splitlines startswith strip swapcase title upper zfill "
        # lists, dicts and headers
        "comment copy get items keys values "
        # numbers
        "as_integer_ratio bit_count bit_length conjugate hex is_integer "
        # arrays
        "all any argmax argmin argsort astype choose clip compress conj cumprod cumsum diagonal "
        "dot flatten item max mean min nonzero prod ravel repeat reshape round searchsorted "
        "squeeze std sum swapaxes take tolist trace transpose var "
        # seeded random generators
        "binomial choice exponential gamma integers lognormal normal permutation poisson random "
        "standard_normal triangular uniform "
        # dates
        "date isoformat time toordinal weekday "
    ).split()
)

NUMPY_CONSTANTS = frozenset("e inf nan newaxis pi".split())

NUMPY_TYPES = frozenset(
    "bool bool_ complex128 complex64 double float32 float64 int16 int32 int64 int8 intp short "
    "single str_ uint16 uint32 uint64 uint8 uintp".split()
)

NUMPY_FUNCTIONS = frozenset(
    "abs absolute add all allclose amax amin angle any append arange arccos arccosh arcsin arcsinh "
    "arctan arctan2 arctanh argmax argmin argsort argwhere around array array_equal array_split "
    "asarray ascontiguousarray astype atleast_1d atleast_2d atleast_3d average bincount "
    "bitwise_and bitwise_not bitwise_or bitwise_xor block broadcast_to cbrt ceil choose clip "
    "column_stack compress concatenate conj conjugate convolve copysign corrcoef cos cosh "
    "count_nonzero cov cross cumprod cumsum deg2rad degrees diag diagonal diff digitize divide "
    "divmod dot dsplit dstack dtype ediff1d equal exp exp2 expand_dims expm1 extract "
    "eye fabs fix flatnonzero flip fliplr flipud float_power floor floor_divide fmax fmin fmod "
    "frexp full full_like gcd geomspace gradient greater greater_equal heaviside histogram hsplit "
    "hstack hypot identity imag indices inner insert interp invert isclose isfinite isin isinf "
    "isnan kron lcm ldexp left_shift less less_equal lexsort linspace log log10 log1p log2 "
    "logaddexp logical_and logical_not logical_or logical_xor logspace matmul max maximum mean "
    "median meshgrid min minimum mod moveaxis multiply nan_to_num nanargmax nanargmin nanmax "
    "nanmean nanmedian nanmin nanpercentile nanprod nanstd nansum nanvar negative nonzero "
    "not_equal ones ones_like outer packbits pad percentile polyval positive power prod ptp "
    "quantile rad2deg radians ravel real reciprocal remainder repeat reshape resize right_shift "
    "rint roll rollaxis rot90 round searchsorted select sign signbit sin sinc sinh sort split "
    "sqrt square squeeze stack std subtract sum swapaxes take tan tanh tensordot tile trace "
    "transpose tri tril triu true_divide trunc unique unpackbits unwrap vander var vdot vsplit "
    "vstack where zeros zeros_like".split()
)

NUMPY_NESTED = frozenset({"linalg.norm", "random.default_rng"})

REFUSED_KEYWORDS = frozenset({"out", "like", "subok", "where"})
"""Named arguments that write elsewhere, call a function, or let a subclass through."""

ITERATED = frozenset("all any dict enumerate list max min sorted sum tuple zip".split())
"""The functions that go through an iterator at once, so that its text form is never seen."""

ITERATORS = frozenset({"enumerate", "zip"})

# Where an array's type stands among the arguments.
TYPE_ARGUMENTS = {
    **dict.fromkeys(("dtype",), 0),
    **dict.fromkeys(("array", "asarray", "ascontiguousarray", "astype", "identity"), 1),
    **dict.fromkeys(("indices", "ones", "ones_like", "zeros", "zeros_like"), 1),
    **dict.fromkeys(("full", "full_like"), 2),
    **dict.fromkeys(("arange", "eye", "tri"), 3),
    **dict.fromkeys(("cumprod", "cumsum", "mean", "prod", "std", "sum", "var"), 2),
    **dict.fromkeys(("nanmean", "nanprod", "nanstd", "nansum", "nanvar"), 2),
    **dict.fromkeys(("trace",), 4),
    **dict.fromkeys(("geomspace", "linspace", "logspace"), 5),
}

ARRAY_TYPE = re.compile(
    r"(\d+|\(\d+(,\d+)*,?\))?[<>=|]?"
    r"(b1|\?|[bBhHiIlLqQ]|[iu][1248]|[efdFD]|f[248]|c8|c16|[SUa]\d{0,4}"
    r"|bool|u?int(8|16|32|64)?|float(16|32|64)?|complex(64|128)?|str|single|double)"
)
"""An array's type as text: numbers, logicals and short texts; no objects, times or raw bytes."""

# Bounds on what is known when the template is compiled.
MAX_NODES = 20_000
MAX_INTEGER_BITS = 1 << 14
MAX_REPEATED = 1_000_000
MAX_STEPS = 100_000_000
MAX_ELEMENTS = 1 << 33
MAX_COUNT = 1 << 28
MAX_WIDTH = 200
MAX_TEXT_PADDING = 10_000
MAX_ITEM_SIZE = 4096
