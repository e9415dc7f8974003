"""Data to structural cards and bytes: what astropy reads back is what was given."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from fitsgen.checksum import data_sum
from fitsgen.lazy import pieces
from fitsgen.lazy.nodes import Memory
from fitsgen.runtime.arrays import DataError, Encoded, encode
from fitsgen.runtime.checksum import seal

TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


def header_of(encoded: Encoded) -> bytes:
    cards = [fits.Card(c.keyword, c.value, c.comment) for c in encoded.cards]
    text = "".join(str(card) for card in cards) + "END"
    return text.ljust(-(-len(text) // 2880) * 2880).encode()


def hdu_bytes(encoded: Encoded) -> bytes:
    data = b"".join(bytes(block) for block in encoded.pieces())
    assert len(data) == encoded.size
    return header_of(encoded) + data + encoded.fill * (-len(data) % 2880)


def file_of(data: object, demands: dict[str, object] | None = None, primary: bool = True) -> bytes:
    encoded = encode(data, demands or {}, primary=primary)
    empty = b"" if primary else hdu_bytes(encode(None, {}, primary=True))
    return empty + hdu_bytes(encoded)


def read(
    data: object, demands: dict[str, object] | None = None, primary: bool = True
) -> tuple[fits.Header, np.ndarray]:
    with fits.open(io.BytesIO(file_of(data, demands, primary)), character_as_bytes=False) as file:
        file.verify("exception")
        hdu = file[0 if primary else 1]
        # astropy takes cards out of a header when it reads the data.
        return hdu.header.copy(), hdu.data


def table(
    data: object, demands: dict[str, object] | None = None
) -> tuple[fits.Header, fits.FITS_rec]:
    return read(data, demands, primary=False)


def cards(data: object, demands: dict[str, object] | None = None, primary: bool = True) -> dict:
    return {c.keyword: c.value for c in encode(data, demands or {}, primary=primary).cards}


# Images


@st.composite
def images(draw: st.DrawFn) -> np.ndarray:
    dtype = np.dtype(draw(st.sampled_from(TYPES))).newbyteorder(draw(st.sampled_from("<>")))
    shape = draw(npst.array_shapes(max_dims=5, max_side=4))
    array = draw(npst.arrays(dtype, shape))
    array = array.transpose(draw(st.permutations(range(array.ndim))))
    steps = [draw(st.sampled_from([1, -1, 2])) for _ in shape]
    return array[tuple(slice(None, None, step) for step in steps)]


@settings(max_examples=80, deadline=None)
@given(images(), st.booleans())
def test_any_image_is_read_back(array: np.ndarray, primary: bool) -> None:
    header, data = read(array, primary=primary)
    assert data.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(data, array)
    assert ("SIMPLE" if primary else "XTENSION") in header


@pytest.mark.parametrize("dtype", [f"{order}{t}" for t in TYPES for order in "<>"])
def test_images_of_many_pieces_are_read_back(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 64)
    array = np.arange(5 * 7 * 30).reshape(5, 7, 30).astype(dtype)
    for view in (array, array[:, ::-1, ::2], array.T, array[::2], array[:, :, 3]):
        np.testing.assert_array_equal(read(view)[1], view)


def test_structural_cards_stand_in_the_standards_order() -> None:
    image = np.zeros((3, 2), "u2")
    named = list(cards(image).items())
    assert named == [
        ("SIMPLE", True), ("BITPIX", 16), ("NAXIS", 2), ("NAXIS1", 2), ("NAXIS2", 3),
        ("EXTEND", True), ("BSCALE", 1), ("BZERO", 32768),
    ]  # fmt: skip
    extension = list(cards(image.astype("f4"), primary=False).items())
    assert extension == [
        ("XTENSION", "IMAGE"), ("BITPIX", -32), ("NAXIS", 2), ("NAXIS1", 2), ("NAXIS2", 3),
        ("PCOUNT", 0), ("GCOUNT", 1),
    ]  # fmt: skip


def test_a_constant_needs_no_memory_and_no_time() -> None:
    plane = np.broadcast_to(np.float32(1.5), (20000, 20000))
    encoded = encode(plane, {}, primary=True)
    sizes = sum(len(block) for block in encoded.pieces())
    assert sizes == encoded.size == 4 * 20000**2
    np.testing.assert_array_equal(read(plane[:7, :200])[1], plane[:7, :200])


def test_an_axis_may_be_empty() -> None:
    encoded = encode(np.zeros((0, 5), "u2"), {}, primary=True)
    assert encoded.size == 0
    assert b"".join(encoded.pieces()) == b""


CONVERSIONS = [
    ([0, 65535], "i4", {"BITPIX": 16, "BZERO": 32768}, "uint16"),
    ([0, 65535], "f4", {"BITPIX": 16, "BZERO": 32768, "BSCALE": 1}, "uint16"),
    ([0, 32767], "i2", {"BZERO": 32768}, "uint16"),
    ([0, 9], "i8", {"BZERO": 32768.0}, "uint16"),
    ([0, 2**32 - 1], "u8", {"BZERO": 2**31}, "uint32"),
    ([0, 2**64 - 1], "u8", {"BITPIX": 64, "BZERO": 2**63}, "uint64"),
    ([-32768, 32767], "f8", {"BITPIX": 16}, "int16"),
    ([0, 32767], "u2", {"BITPIX": 16}, "int16"),
    ([0, 32767], "u2", {"BZERO": 0}, "int16"),
    ([-128, 127], "i8", {"BITPIX": 8, "BZERO": -128}, "int8"),
    ([0.5, np.nan, np.inf], "f8", {"BITPIX": -32}, "float32"),
    ([0.1, np.nan], "f4", {"BITPIX": -64}, "float64"),
    ([2**24, -(2**24)], "i4", {"BITPIX": -32}, "float32"),
    ([-(2**63), 2**62], "i8", {"BITPIX": -64}, "float64"),
    ([True, False, True], "u1", {"BITPIX": 32}, "int32"),
    ([0, 1], "u2", {"BZERO": 32768, "BSCALE": 1.0}, "uint16"),
]


@pytest.mark.parametrize(("values", "dtype", "demands", "stored"), CONVERSIONS)
def test_values_that_survive_are_converted(
    values: list, dtype: str, demands: dict, stored: str
) -> None:
    array = np.array(values, dtype)
    header, data = read(array, demands)
    assert data.dtype.newbyteorder("=") == np.dtype(stored)
    np.testing.assert_array_equal(data, array.astype(stored))
    for keyword, value in demands.items():
        assert header[keyword] == value


MISFITS = [
    ([[0], [70000]], "i4", {"BITPIX": 16, "BZERO": 32768}, r"\[1, 0\] is 70000.*uint16.*65535"),
    ([1, 1.5], "f4", {"BITPIX": 16}, r"pixel \[1\] is 1.5.*int16.*whole numbers"),
    ([1, np.nan], "f8", {"BITPIX": 32}, r"pixel \[1\] is nan.*int32"),
    ([1, np.inf], "f8", {"BITPIX": 64}, r"pixel \[1\] is inf.*int64"),
    ([0, 2.0**63], "f8", {"BITPIX": 64}, r"pixel \[1\] is 9.2.*int64"),
    ([0, -1], "i2", {"BZERO": 32768}, r"pixel \[1\] is -1.*uint16"),
    ([0, 40000], "u2", {"BITPIX": 16}, r"pixel \[1\] is 40000.*int16"),
    ([0, 2**24 + 1], "i4", {"BITPIX": -32}, r"pixel \[1\] is 16777217.*float32"),
    ([0, 2**63 - 1], "i8", {"BITPIX": -64}, r"pixel \[1\] is 9223372036854775807.*float64"),
    ([0, 2**64 - 1], "u8", {"BITPIX": -32}, r"pixel \[1\] is 18446744073709551615.*float32"),
    ([0, 0.1], "f8", {"BITPIX": -32}, r"pixel \[1\] is 0.1.*float32.*exactly"),
    ([0, 1e300], "f8", {"BITPIX": -32}, r"pixel \[1\] is 1e\+300.*float32"),
    ([0, 0.013], "f8", {"BITPIX": 16, "BSCALE": 0.01}, r"pixel \[1\] is 0.013.*BSCALE = 0.01"),
    ([0, 1e9], "f8", {"BITPIX": 16, "BSCALE": 0.5}, r"pixel \[1\]"),
    ([0, np.nan], "f8", {"BITPIX": 16, "BSCALE": 0.5}, r"pixel \[1\] is nan"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "dtype", "demands", "message"), MISFITS)
def test_the_first_value_that_does_not_survive_is_named(
    values: list, dtype: str, demands: dict, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        file_of(np.array(values, dtype), demands)


def test_the_index_of_a_misfit_is_right_in_any_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 128)
    array = np.zeros((9, 8, 7), "i4")
    array[6, 5, 4] = -1
    for view, place in ((array, (6, 5, 4)), (array.T, (4, 5, 6)), (array[::-1], (2, 5, 4))):
        with pytest.raises(DataError, match=rf"pixel \[{place[0]}, {place[1]}, {place[2]}\]"):
            file_of(view, {"BITPIX": 16, "BZERO": 32768})


def test_real_scaling_stores_what_is_read_back() -> None:
    stored = np.array([[-3, 0, 12345]])
    physical = stored * 0.01 + 5.0
    demands = {"BITPIX": 16, "BSCALE": 0.01, "BZERO": 5.0}
    encoded = encode(physical, demands, primary=True)
    np.testing.assert_array_equal(np.frombuffer(b"".join(encoded.pieces()), ">i2"), stored[0])
    assert {"BSCALE": 0.01, "BZERO": 5.0}.items() <= cards(physical, demands).items()


REFUSED = [
    (np.zeros(3, bool), {}, r"astype\('uint8'\)"),
    (np.zeros(3, "f2"), {}, r"astype\('float32'\)"),
    (np.zeros(3, "g"), {}, r"astype\('float64'\)"),
    (np.zeros(3, complex), {}, r"\.real and \.imag"),
    (np.zeros(3, object), {}, "Python objects"),
    (np.array(["a"]), {}, "text"),
    (np.zeros(3, "M8[s]"), {}, "dates"),
    (np.array(3), {}, "single number"),
    (np.float32(3), {}, "one number is no image"),
    ([1, 2], {}, r"np\.array"),
    (7, {}, r"np\.array"),
    ("text", {}, "type str"),
    (np.ma.masked_equal([1, 2], 2), {}, "filled"),
    (np.ones(2) * units.m, {}, "BUNIT"),
    (np.zeros((2, 3)), {"NAXIS": 4}, "NAXIS = 4 is demanded, but the data has 2"),
    (np.zeros((2, 3)), {"NAXIS1": 2}, "NAXIS1 = 2 is demanded, but the data has 3"),
    (np.zeros((2, 3)), {"NAXIS3": 1}, "NAXIS3 = 1 is demanded, but the data has none"),
    (np.zeros(2), {"PCOUNT": 5}, "PCOUNT = 5"),
    (np.zeros(2), {"GCOUNT": 2}, "GCOUNT = 2"),
    (np.zeros(2), {"BITPIX": 7}, "BITPIX = 7 is none of"),
    (np.zeros(2), {"BITPIX": "16"}, "not an integer"),
    (np.zeros(2), {"BITPIX": True}, "not an integer"),
    (np.zeros(2), {"BZERO": "x"}, "not a number"),
    (np.zeros(2), {"BSCALE": 0}, "BSCALE = 0"),
    (np.zeros(2), {"XTENSION": "BINTABLE"}, "the data is no table"),
    (np.zeros(2), {"XTENSION": "FOREIGN"}, "none of 'IMAGE'"),
    ({"A": [1]}, {"XTENSION": "IMAGE"}, "the data is a table"),
    (None, {"XTENSION": "BINTABLE", "TFIELDS": 3}, "no data"),
]


@pytest.mark.parametrize(("data", "demands", "message"), REFUSED)
def test_what_cannot_be_stored_is_refused_with_advice(
    data: object, demands: dict, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        encode(data, demands, primary=False)


def test_demands_that_agree_are_no_matter() -> None:
    demands = {"NAXIS": 2, "NAXIS1": 3, "NAXIS2": 2, "PCOUNT": 0, "GCOUNT": 1, "BITPIX": None}
    assert cards(np.zeros((2, 3), "i2"), demands)["BITPIX"] == 16


def test_a_header_without_data() -> None:
    assert cards(None, {"BITPIX": 0, "NAXIS": 3}) == {
        "SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "EXTEND": True,
    }  # fmt: skip
    header, data = read(None, primary=False)
    assert header["XTENSION"] == "IMAGE"
    assert data is None
    header, data = read(None, {"XTENSION": "BINTABLE"}, primary=False)
    assert (header["TFIELDS"], header["NAXIS2"], len(data)) == (0, 0, 0)


def test_a_header_without_data_does_not_load_numpy() -> None:
    code = (
        "import sys; from fitsgen.runtime import arrays, checksum, files;"
        "arrays.encode(None, {}, primary=True); assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Tables

ROWS = 3
COLUMNS = {
    **{t: np.array([0, 1, np.iinfo(t).max], t) for t in TYPES if t[0] in "iu"},
    "f4": np.array([0.1, np.nan, np.inf], "f4"),
    "f8": np.array([0.1, -1e300, 5e-324]),
    "c8": np.array([1 + 2j, 0, -3j], "c8"),
    "c16": np.array([1 + 2j, 0, -3j], ">c16"),
    "bool": np.array([True, False, True]),
    "text": np.array(["one", "", "three"]),
    "bytes": np.array([b"x", b"yy", b""]),
    "vector": np.arange(6, dtype=">u2").reshape(3, 2),
    "cube": np.arange(24, dtype="i4").reshape(3, 2, 4),
    "texts": np.array([["a", "bcd"], ["", "e"], ["ff", "g"]]),
    "strided": np.arange(6, dtype="i8")[::-2],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_any_type_is_read_back(name: str) -> None:
    given = COLUMNS[name]
    header, data = table({"FIRST": np.arange(3), name: given})
    assert header["TTYPE2"] == name
    wanted = given.astype(str) if given.dtype.kind == "S" else given
    np.testing.assert_array_equal(np.asarray(data[name]), wanted)
    assert data[name].shape == given.shape


def test_all_columns_together_in_many_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fitsgen.runtime.bintable.PIECE", 700)
    many = {name: np.repeat(values, 50, axis=0) for name, values in COLUMNS.items()}
    for rows in (many, Table(many)):
        _, data = table(rows)
        for name, values in many.items():
            wanted = values.astype(str) if values.dtype.kind == "S" else values
            np.testing.assert_array_equal(np.asarray(data[name]), wanted, err_msg=name)


def test_structured_arrays_and_lists_make_columns() -> None:
    rows = np.array(
        [(1, 2.5, b"ab", [1, 2]), (3, 4.5, b"c", [3, 4])],
        [("N", "<u2"), ("X", ">f8"), ("S", "S2"), ("V", "i4", 2)],
    )
    _, data = table(rows)
    assert data["N"].tolist() == [1, 3]
    assert data["V"].tolist() == [[1, 2], [3, 4]]
    _, data = table({"A": [1, 2], "B": ["x", "yy"], "C": [True, False]})
    assert (data["B"].tolist(), data["C"].tolist()) == (["x", "yy"], [True, False])


@pytest.mark.parametrize(
    "rows",
    [
        [[1, 2, 3], [], [4]],
        [np.array([1.5], ">f4"), np.array([], "f4"), np.array([2.5, 3.5], "f4")],
        [np.array([1, 65535], "u2"), np.array([7], "u2"), np.array([], "u2")],
        [[], [], []],
        [[True], [False, True], []],
    ],
)
def test_lists_of_different_lengths_go_to_the_heap(rows: list) -> None:
    ragged = np.empty(3, object)
    for i, row in enumerate(rows):
        ragged[i] = row
    header, data = table({"BEFORE": np.arange(3), "R": ragged, "R2": ragged})
    assert header["TFORM2"].startswith("1P")
    for row, first, second in zip(rows, data["R"], data["R2"], strict=True):
        assert list(first) == list(second) == list(row)


def test_rows_of_a_list_of_lists_may_differ() -> None:
    _, data = table({"R": [[1], [2, 3]]})
    assert [list(row) for row in data["R"]] == [[1], [2, 3]]


def test_a_vector_column_becomes_variable_where_that_is_demanded() -> None:
    header, data = table({"R": np.arange(4).reshape(2, 2)}, {"TFORM1": "1QI(9)"})
    assert header["TFORM1"] == "1QI(9)"
    assert [list(row) for row in data["R"]] == [[0, 1], [2, 3]]


def test_columns_take_the_labels_demanded() -> None:
    demands = {"TTYPE1": "RATE", "TUNIT1": "DN/s", "TDISP1": "I6", "TNULL1": -1, "TFORM1": "I"}
    header, data = table({"A": np.array([5, 6])}, demands)
    assert {k: header[k] for k in demands} == demands
    assert data["RATE"].dtype == ">i2"
    header, _ = table({"A": ["ab", "c"]}, {"TFORM1": "10A"})
    assert header["NAXIS1"] == 10


def test_an_unsigned_column_keeps_the_null_value_as_it_is_stored() -> None:
    header, _ = table({"A": np.array([0, 1], "u2")}, {"TNULL1": 32767})
    assert header["TNULL1"] == 32767


def test_astropy_tables_bring_units_and_masks() -> None:
    masked = MaskedColumn([1, 2, 3], mask=[False, True, False], dtype="i2", unit="adu")
    plain = Table({"N": masked, "X": MaskedColumn([1.0, 2.0], mask=[True, False])[[0, 1, 1]]})
    header, data = table(plain)
    assert header["TUNIT1"] == "adu"
    assert data["N"].tolist()[1] == header["TNULL1"] != 2
    assert np.isnan(data["X"][0])
    header, data = table(plain, {"TNULL1": -999})
    assert data["N"].tolist() == [1, -999, 3]
    with pytest.raises(DataError, match="cannot have 3 stand for masked"):
        encode(plain, {"TNULL1": 3}, primary=False)
    header, data = table(QTable({"W": [1.0, 2.0] * units.micron}))
    assert header["TUNIT1"] == "um"


def test_a_table_that_astropy_read_is_written_again() -> None:
    _, first = table({"N": np.array([1, 65535], "u2"), "S": ["a", "b"], "R": [[1], [2, 3]]})
    _, again = table(first)
    assert again["N"].tolist() == [1, 65535]
    assert [list(row) for row in again["R"]] == [[1], [2, 3]]


@pytest.mark.parametrize("data", [{}, {"A": np.zeros(0), "B": np.zeros((0, 3), "U4"), "C": []}])
@pytest.mark.parametrize("kind", ["BINTABLE", "TABLE"])
def test_tables_may_be_empty(data: dict, kind: str) -> None:
    if kind == "TABLE":
        data = {name: values for name, values in data.items() if name != "B"}
    made = cards(data, {"XTENSION": kind}, primary=False)
    assert (made["TFIELDS"], made["NAXIS2"]) == (len(data), 0)
    if data or kind == "BINTABLE":  # astropy cannot read an ASCII table without columns
        assert len(table(data, {"XTENSION": kind})[1]) == 0


WRONG_TABLES = [
    ({"A": [1, 2], "B": [1]}, {}, "column 'B' has 1 rows, column 'A' has 2"),
    ({"A": 5}, {}, "column 'A' is 5"),
    ({"A": "text"}, {}, "one value a row"),
    ({"A": np.float64(5)}, {}, "column 'A'"),
    ({3: [1]}, {}, "a column's name"),
    ({"é": [1]}, {}, "printable ASCII"),
    ({"A": ["x", "naïve"]}, {}, "column 'A', row 1 is .*printable ASCII"),
    ({"A": [["x", "y"], ["z", "a\n"]]}, {}, r"column 'A', row 1 \[1\]"),
    ({"A": [b"x", b"\xff"]}, {}, "row 1"),
    ({"A": [b"x", b"a\0b"]}, {}, "row 1"),
    ({"A": np.zeros(2, "f2")}, {}, r"column 'A' holds float16.*astype\('float32'\)"),
    ({"A": np.zeros(2, "M8[s]")}, {}, "datetime_as_string"),
    ({"A": [1, None]}, {}, "row 0"),
    ({"A": [[1], ["a", "b"]]}, {}, "column 'A'"),
    ({"A": [[[1], [2]], [3]]}, {}, "one-dimensional"),
    ({"A": [[2**53 + 1], [0.5, 1]]}, {}, r"column 'A', row 0 \[0\] is 9007199254740993"),
    (np.zeros((2, 2), [("A", "i2")]), {}, r"reshape\(-1\)"),
    (np.zeros(2, [("A", [("B", "i2")])]), {}, "fields as columns"),
    ({"A": [1, 70000]}, {"TFORM1": "I"}, "column 'A', row 1 is 70000.*int16"),
    ({"A": ["ab", "abc"]}, {"TFORM1": "2A"}, "column 'A', row 1 is .*'abc'.*3 long"),
    ({"A": [0.5]}, {"TFORM1": "A"}, "column 'A' holds float64"),
    ({"A": [1]}, {"TFORM1": "3J"}, "TFORM1 = '3J' is demanded"),
    ({"A": [1]}, {"TFORM1": "what"}, "no column format"),
    ({"A": [1]}, {"TFORM1": "PJ"}, "no list of numbers"),
    ({"A": [[1], [2, 3]]}, {"TFORM1": "J"}, "different lengths"),
    ({"A": [[1], [2, 3]]}, {"TFORM1": "PJ(1)"}, "demanded"),
    ({"A": [1]}, {"TTYPE2": "B"}, "TTYPE2 names column 2, but the table has 1"),
    ({"A": [1]}, {"TFIELDS": 2}, "TFIELDS = 2"),
    ({"A": [1]}, {"NAXIS2": 2}, "NAXIS2 = 2"),
    ({"A": [0.5]}, {"TNULL1": 1}, "no integers"),
    ({"A": np.array([1], "i2")}, {"TNULL1": 99999}, "TNULL1 = 99999 does not fit"),
    ({"A": ["x"]}, {"TZERO1": 1}, "no numbers"),
    ({"A": [2]}, {"TFORM1": "L"}, "row 0 is 2, which is neither true nor false"),
    (Table({"A": Time([50000.0], format="mjd")}), {}, r"isot"),
    ({"A": [1j]}, {"XTENSION": "TABLE"}, "ASCII table"),
    ({"A": [np.nan]}, {"XTENSION": "TABLE"}, "row 0 is nan"),
    ({"A": [0.125]}, {"XTENSION": "TABLE", "TFORM1": "F6.2"}, "row 0 is 0.125, which F6.2"),
    ({"A": [12345]}, {"XTENSION": "TABLE", "TFORM1": "I4"}, "row 0 is 12345, which I4"),
    ({"A": [1]}, {"ZCMPTYPE": "RICE_1"}, "compresses images"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "demands", "message"), WRONG_TABLES)
def test_what_a_table_cannot_hold_is_told_by_column_and_row(
    data: object, demands: dict, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        encode(data, demands, primary=False)


def test_a_table_is_never_primary() -> None:
    with pytest.raises(DataError, match="cannot be the primary HDU"):
        encode({"A": [1]}, {}, primary=True)


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (np.array([-5, 123456789012]), None),
        (np.array([2**64 - 1, 0], "u8"), None),
        (np.array([0.1, -1e-300, 1e300]), None),
        (np.array([0.1, -1e-30], "f4"), None),
        (np.array(["ab", "c d"]), None),
        (np.array([1.5, -2.25]), "F8.2"),
        (np.array([1.5, -2.25]), "E12.4"),
        (np.array([3.0, 4.0]), "I5"),
        (np.array(["ab", "c"]), "A6"),
    ],
)
def test_an_ascii_table_is_read_back(values: np.ndarray, form: str | None) -> None:
    demands = {"XTENSION": "TABLE"} | ({"TFORM2": form} if form else {})
    data = {"I": np.arange(len(values)), "X": values}
    encoded = encode(data, demands, primary=False)
    assert encoded.fill == b" "
    if values.dtype == "u8":  # astropy reads no more than 63 bits
        assert b"18446744073709551615" in b"".join(encoded.pieces())
        return
    header, read_back = table(data, demands)
    assert header["XTENSION"] == "TABLE"
    found = read_back["X"]
    found = np.char.rstrip(found) if values.dtype.kind == "U" else found.astype(values.dtype)
    assert found.tolist() == values.tolist()


class RawTable:
    """A table of an input, as `fitsgen.inputs` gives it."""

    def __init__(self, file: bytes, rows: slice = slice(None)) -> None:
        with fits.open(io.BytesIO(file)) as opened:
            info = opened[1].fileinfo()
            self.header = opened[1].header.copy()
        self.rows = range(self.header["NAXIS2"])[rows]
        self.file = memoryview(file)[info["datLoc"] :]

    names = ("N", "R")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> np.ndarray:
        assert name == "N"
        return np.array([7, 8, 9], "i4")

    def check(self) -> None:
        """Nothing is wrong with it."""

    def raw_rows(self) -> Memory:
        width, rows = self.header["NAXIS1"], self.header["NAXIS2"]
        whole = np.frombuffer(self.file, "u1", width * rows).reshape(rows, width)
        return Memory(whole[list(self.rows)])

    def heap(self) -> Memory:
        start = self.header["NAXIS1"] * self.header["NAXIS2"]
        return Memory(np.frombuffer(self.file[start : start + self.header["PCOUNT"]], "u1"))


def test_an_inputs_table_is_copied_byte_for_byte() -> None:
    file = file_of({"N": np.array([7, 8, 9], "i4"), "R": [[1], [2, 3], []]}, primary=False)
    copied = encode(RawTable(file), {"TUNIT1": "adu", "TTYPE1": "COUNT"}, primary=False)
    assert b"".join(copied.pieces()) == file[-2880:][: copied.size]
    header, data = table(RawTable(file, slice(1, 3)), {"TUNIT1": "adu"})
    assert data["N"].tolist() == [8, 9]
    assert [list(row) for row in data["R"]] == [[2, 3], []]
    assert header["TUNIT1"] == "adu"


def test_an_inputs_table_is_converted_where_that_is_demanded() -> None:
    raw = RawTable(file_of({"N": np.array([7, 8, 9], "i4")}, primary=False))
    raw.names = ("N",)
    header, data = table(raw, {"TFORM1": "1I"})
    assert (header["TFORM1"], data["N"].tolist()) == ("1I", [7, 8, 9])


# Compressed images

RAMP = (np.arange(60 * 50).reshape(60, 50) * 7 % 65536).astype("u2")


@pytest.mark.parametrize("algorithm", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
def test_compressed_integers_are_read_back(algorithm: str) -> None:
    image = RAMP.astype("i2") if algorithm == "PLIO_1" else RAMP
    header, data = table(image, {"ZCMPTYPE": algorithm, "XTENSION": "IMAGE"})
    np.testing.assert_array_equal(data, image)
    assert header["BITPIX"] == 16


def test_compression_heeds_tiles_types_and_parameters() -> None:
    demands = {"ZCMPTYPE": "RICE_1", "ZTILE1": 25, "ZTILE2": 20, "BITPIX": 16, "BZERO": 32768,
               "ZNAME1": "BLOCKSIZE", "ZVAL1": 32}  # fmt: skip
    made = cards(RAMP.astype("i4"), demands, primary=False)
    assert (made["ZTILE1"], made["ZTILE2"], made["ZBITPIX"]) == (25, 20, 16)
    with pytest.raises(DataError, match="ZVAL1 = 16 is demanded"):
        encode(RAMP, demands | {"ZVAL1": 16}, primary=False)


def test_compressed_floats_are_exact_or_their_loss_is_asked_for() -> None:
    image = np.random.default_rng(1).normal(size=(60, 50)).astype("f4")
    np.testing.assert_array_equal(table(image, {"ZCMPTYPE": "GZIP_2"})[1], image)
    with pytest.raises(DataError, match="changes floating-point pixels"):
        encode(image, {"ZCMPTYPE": "RICE_1"}, primary=False)
    demands = {"ZCMPTYPE": "RICE_1", "ZQUANTIZ": "SUBTRACTIVE_DITHER_1"}
    assert file_of(image, demands, primary=False) == file_of(image, demands, primary=False)
    np.testing.assert_allclose(table(image, demands)[1], image, atol=0.1)


@pytest.mark.parametrize(
    ("image", "demands", "primary", "message"),
    [
        (RAMP, {"ZCMPTYPE": "ZIP"}, False, "none of RICE_1"),
        (RAMP, {"ZCMPTYPE": "RICE_1"}, True, "primary HDU cannot be compressed"),
        (RAMP, {"ZCMPTYPE": "RICE_1", "NAXIS": 3}, False, "NAXIS = 3"),
        (RAMP.astype("u8"), {"ZCMPTYPE": "PLIO_1"}, False, "cannot be compressed"),
    ],
)
def test_compression_that_cannot_be(
    image: np.ndarray, demands: dict, primary: bool, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        encode(image, demands, primary=primary)


# Checksums


@settings(max_examples=30, deadline=None)
@given(npst.arrays(np.uint8, st.integers(1, 9000)), st.lists(st.integers(1, 999), max_size=9))
def test_the_sum_does_not_depend_on_the_pieces(data: np.ndarray, cuts: list[int]) -> None:
    edges = [0, *np.cumsum(cuts).tolist(), data.size]
    parts = [data[a:b].tobytes() for a, b in itertools.pairwise(edges)]
    if edges[-2] <= data.size:
        assert data_sum(parts) == data_sum([data.tobytes()])


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(
    ("data", "demands"),
    [
        (RAMP, {}),
        (np.full((30, 30), -1, "i2"), {}),
        (None, {}),
        ({"A": [1, 2], "R": [[1], [2, 3]]}, {}),
        ({"A": [1, 2]}, {"XTENSION": "TABLE"}),
    ],
)
def test_astropy_verifies_the_checksums(data: object, demands: dict, named: bool) -> None:
    encoded = encode(data, demands, primary=False)
    whole = hdu_bytes(encoded)
    header, rest = whole[: len(header_of(encoded))], whole[len(header_of(encoded)) :]
    if named:
        zeros = "".join(str(fits.Card(k, "0" * 16, "mine")) for k in ("CHECKSUM", "DATASUM"))
        end = header.index(b"END" + b" " * 77)
        header = (header[:end] + zeros.encode() + header[end:]).rstrip().ljust(2880)
    total = data_sum(encoded.pieces(), encoded.fill)
    sealed = seal(header, total) + rest
    empty = seal(header_of(encode(None, {}, primary=True)), 0)
    with fits.open(io.BytesIO(empty + sealed), checksum=True) as file:
        assert file[1].header["DATASUM"] == str(total)
        for hdu in file:
            assert hdu.verify_checksum() == hdu.verify_datasum() == 1


def test_a_checksum_is_filled_in_once() -> None:
    sealed = seal(header_of(encode(None, {}, primary=True)), 0)
    with pytest.raises(ValueError, match="sixteen zeros"):
        seal(sealed, 0)
