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
    "T dtype header imag itemsize name names nbytes ndim real shape size".split()
)

HDU_ATTRIBUTES = frozenset("data header name shape".split())
"""Those of an HDU that is named where it is asked, as in `input[1].data`."""

DTYPE_ATTRIBUTES = ATTRIBUTES | {"kind"}
"""Those of the type of an array, as in `x.dtype.kind`."""

VIEWS = frozenset({"items", "keys"})
"""Methods whose results Python combines to sets, in an order that is not the same every time."""

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

ARGUMENTS = frozenset(
    (
        # of NumPy's functions, and of the methods of arrays
        "A a1 a2 a_max a_min append ar arr array ary arys assume_unique atol aweights axes axis "
        "axis1 axis2 axisa axisb axisc b base bias bins bitorder casting choicelist choices "
        "condition condlist constant_values copy correction count ddof decimals default deg "
        "density destination dimensions discont dtype edge_order element end_values endpoint "
        "equal_nan fill_value fp fweights increasing indexing indices indices_or_sections initial "
        "invert k keepdims keys kind left M m max mean method min minlength mode N n nan ndmin "
        "neginf new_shape num obj offset ord order pad_width period posinf prepend q range "
        "reflect_type repeats reps retstep return_counts return_index return_inverse returned "
        "right rowvar rtol shape shift side sorter source sparse stable start stat_length step "
        "stop test_elements to_begin to_end tup v val values weights xp y z "
        # of random generators
        "a high lam loc low p replace scale seed shuffle sigma size "
        # of sources, the language's functions and Python's
        "date date_only end hdu inclusive iso keepends keyword maxsplit name ndigits pattern "
        "reverse sep strict table text time timespec value x"
    ).split()
)
"""The named arguments: none writes elsewhere, calls a function or leaves memory as it was."""

REFUSED_ARGUMENTS = frozenset({("nan_to_num", "copy")})
"""Named arguments that are harmless elsewhere: without a copy it writes into its argument."""

PAD_MODES = frozenset(
    "constant edge linear_ramp maximum mean median minimum reflect symmetric wrap".split()
)
"""What `np.pad` fills with: no function, and not what was in memory before."""


# How many arguments can stand without a name. The next one would be an array to write into
# (`out`), or the order to write into the first one; of `str` it is an encoding.
MOST_ARGUMENTS = {"str": 1}
MOST_NUMPY_ARGUMENTS = {
    name: most
    for most, names in (
        (
            1,
            "abs absolute arccos arccosh arcsin arcsinh arctan arctanh bitwise_not cbrt ceil conj "
            "conjugate cos cosh deg2rad degrees exp exp2 expm1 fabs fix floor frexp invert "
            "isfinite isinf isnan log log10 log1p log2 logical_not nan_to_num negative positive "
            "rad2deg radians reciprocal rint sign signbit sin sinh sqrt square str_ tan tanh "
            "trunc",
        ),
        (
            2,
            "add all amax amin any arctan2 argmax argmin around bitwise_and bitwise_or "
            "bitwise_xor choose concatenate copysign divide divmod dot equal float_power "
            "floor_divide fmax fmin fmod gcd greater greater_equal heaviside hypot lcm ldexp "
            "left_shift less less_equal logaddexp logical_and logical_or logical_xor matmul max "
            "maximum median min minimum mod multiply nanargmax nanargmin nanmax nanmedian nanmin "
            "not_equal outer power ptp remainder right_shift round stack subtract true_divide",
        ),
        (
            3,
            "clip compress cumprod cumsum mean nanmean nanpercentile nanprod nanstd nansum nanvar "
            "percentile prod quantile std sum take var",
        ),
        (5, "trace"),
    )
    for name in names.split()
}
MOST_METHOD_ARGUMENTS = {
    name: most
    for most, names in (
        (0, "conj conjugate"),
        (1, "all any argmax argmin choose dot max min round"),
        (2, "clip compress cumprod cumsum mean prod random standard_normal std sum take var"),
        (4, "trace"),
    )
    for name in names.split()
}

ITERATED = frozenset("all any dict enumerate list max min sorted sum tuple zip".split())
"""The functions that go through an iterator at once, so that its text form is never seen."""

ITERATORS = frozenset({"enumerate", "zip"})

TYPE_NAMES = frozenset({"bool", "float", "int", "str"})
"""Python's types that name an array's type as well."""

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
    **dict.fromkeys(("geomspace",), 4),
    **dict.fromkeys(("linspace", "logspace"), 5),
}
# The same of methods, which have their array before the point.
METHOD_TYPE_ARGUMENTS = {
    **dict.fromkeys(("astype",), 0),
    **dict.fromkeys(("cumprod", "cumsum", "mean", "prod", "std", "sum", "var"), 1),
    **dict.fromkeys(("random", "standard_normal"), 1),
    **dict.fromkeys(("integers", "trace"), 3),
}

ARRAY_TYPE = re.compile(
    r"(\d+|\(\d+(,\d+)*,?\))?[<>=|]?"
    r"(b1|\?|[bBhHiIlLqQ]|[iu][1248]|[efdFD]|f[248]|c8|c16|[SUa]\d{0,4}"
    r"|bool|u?int(8|16|32|64)?|float(16|32|64)?|complex(64|128)?|str|single|double)"
)
"""An array's type as text: numbers, logicals and short texts; no objects, times or raw bytes."""

FORMAT = re.compile(r"([^%]?[<>=^])?[-+ ]?z?#?0?\d*[,_]?(\.\d+)?[bcdeEfFgGosxX%]?", re.DOTALL)
"""The format of a value: that of text and numbers, alike everywhere (`n` and dates' are not)."""

# Bounds on an expression as a whole.
MAX_TEXT = 64 * 1024
MAX_BRACKETS = 60
MAX_NODES = 20_000
MAX_LEVELS = 200
MAX_FAULTS = 100

# Bounds on what is known when the template is compiled.
MAX_INTEGER_BITS = 1 << 14
MAX_REPEATED = 1_000_000
MAX_STEPS = 10_000_000
MAX_ELEMENTS = 1 << 33
MAX_COUNT = 1 << 28
MAX_WIDTH = 200
MAX_TEXT_PADDING = 10_000
MAX_ITEM_SIZE = 4096
MAX_SUBARRAY = 1 << 20
MAX_DIGITS = 400
