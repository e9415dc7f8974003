"""FITS files of every kind are read as astropy reads them, and damaged ones are one plain error."""

import gzip
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from fitsgen.diagnostics import InputError
from fitsgen.inputs.fits import FitsFile, Kind, MissingHDU

BITPIX = {8: "u1", 16: "i2", 32: "i4", 64: "i8", -32: "f4", -64: "f8"}


def card(keyword: str, value: str) -> bytes:
    return f"{keyword:8}= {value:>20}".ljust(80).encode("latin-1")


def block(*cards: bytes) -> bytes:
    text = b"".join(cards) + b"END".ljust(80)
    return text.ljust(-(-len(text) // 2880) * 2880)


def primary(bitpix="8", naxis="0", **more: str) -> bytes:
    first = [("SIMPLE", "T"), ("BITPIX", bitpix), ("NAXIS", naxis)]
    return block(*(card(*pair) for pair in [*first, *more.items()]))


def extension(kind="'IMAGE   '", bitpix="8", naxis="0", **more: str) -> bytes:
    first = [("XTENSION", kind), ("BITPIX", bitpix), ("NAXIS", naxis)]
    return block(*(card(*pair) for pair in [*first, *more.items()]))


@pytest.fixture
def save(tmp_path):
    """Write HDUs, or bytes, and open them."""

    def write(content: bytes | list, name: str = "raw.fits") -> Path:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            fits.HDUList(content).writeto(path)
        return path

    return write


IMAGE = {"NAXIS1": "10", "NAXIS2": "10"}
TABLE = {
    "NAXIS1": "4",
    "NAXIS2": "1",
    "PCOUNT": "0",
    "GCOUNT": "1",
    "TFIELDS": "1",
    "TFORM1": "'J'",
}


# ---- images


@pytest.mark.parametrize("bitpix", BITPIX)
def test_plain_pixels(save, bitpix):
    pixels = np.arange(24, dtype=BITPIX[bitpix]).reshape(2, 3, 4)
    with FitsFile.open(save([fits.PrimaryHDU(pixels), fits.ImageHDU(pixels[0], name="SCI")])) as f:
        assert f[0].shape == f[0].data.shape == (2, 3, 4)
        assert f[1].kind is Kind.IMAGE
        np.testing.assert_array_equal(f[0].data, pixels)
        np.testing.assert_array_equal(f["SCI"].data, pixels[0])
        assert f[0].data.dtype == pixels.dtype.newbyteorder("=")
        assert f[0].data is f[0].data
        assert bytes(f[0].raw_data()) == pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("dtype", ["i1", "u2", "u4", "u8"])
def test_integers_of_the_other_sign(save, dtype):
    limits = np.iinfo(dtype)
    pixels = np.array(
        [[limits.min, limits.min + 1, 0, 1], [2, 3, limits.max - 1, limits.max]], dtype
    )
    with FitsFile.open(save([fits.PrimaryHDU(pixels)])) as f:
        assert f[0].data.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(f[0].data, pixels)


def test_scaled_pixels_are_float64_with_nan_for_blank(save):
    stored = np.array([-32768, 0, 1, 100], ">i2")
    more = {"NAXIS1": "4", "BSCALE": "0.5", "BZERO": "10.0", "BLANK": "-32768"}
    content = primary("16", "1", **more) + stored.tobytes().ljust(2880, b"\0")
    with FitsFile.open(save(content)) as f:
        assert f[0].data.dtype == np.float64
        np.testing.assert_array_equal(f[0].data, [np.nan, 10.0, 10.5, 60.0])


def test_overflow_in_scaling_is_silent(save):
    stored = np.array([np.nan, 3e38, np.inf, 1], ">f4")
    content = primary("-32", "1", NAXIS1="4", BSCALE="1E300") + stored.tobytes().ljust(2880, b"\0")
    with FitsFile.open(save(content)) as f:
        np.testing.assert_array_equal(f[0].data, [np.nan, np.inf, np.inf, 1e300])


def test_pixels_cannot_be_written(save):
    unsigned = np.arange(3, dtype="u2")
    table = fits.BinTableHDU.from_columns([fits.Column("A", "J", array=[1, 2])])
    hdus = [fits.PrimaryHDU(unsigned), fits.ImageHDU(unsigned.astype("f4")), table]
    with FitsFile.open(save(hdus)) as f:
        for pixels in (f[2].data["A"], f[2].data[:1]["A"]):
            with pytest.raises(ValueError, match="read-only"):
                pixels[0] = 5
        np.asarray(f[0].data)[0] = 5
        assert f[0].data[0] == 0
        with pytest.raises(TypeError, match="item assignment"):
            f[1].data[0] = 5


def test_image_without_pixels(save):
    with FitsFile.open(save(primary() + extension(naxis="2", NAXIS1="0", NAXIS2="7"))) as f:
        assert f[0].data is None
        assert f[0].shape == ()
        assert f[1].data.shape == f[1].shape == (7, 0)
        assert bytes(f[0].raw_data()) == b""


@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
def test_tile_compressed_image(save, compression):
    pixels = np.arange(64 * 64, dtype="i2").reshape(64, 64) % 100
    hdu = fits.CompImageHDU(pixels, compression_type=compression, name="SCI")
    with FitsFile.open(save([fits.PrimaryHDU(), hdu])) as f:
        assert f["SCI"].kind is Kind.COMPRESSED
        assert f["SCI"].shape == (64, 64)
        assert type(f["SCI"].data) is np.ndarray
        assert not f["SCI"].data.flags.writeable
        np.testing.assert_array_equal(f["SCI"].data, pixels)


def test_compressed_unsigned_and_float_images(save):
    rng = np.random.default_rng(1)
    counts, flux = rng.integers(0, 65535, (20, 30), "u2"), rng.normal(size=(20, 30)).astype("f4")
    hdus = [
        fits.CompImageHDU(counts),
        fits.CompImageHDU(flux, compression_type="GZIP_2", quantize_level=0),
    ]
    with FitsFile.open(save([fits.PrimaryHDU(), *hdus])) as f:
        np.testing.assert_array_equal(f[1].data, counts)
        np.testing.assert_array_equal(f[2].data, flux)


def test_damaged_compressed_image_is_an_error(save):
    hdu = fits.CompImageHDU(np.arange(4096, dtype="i4").reshape(64, 64), compression_type="GZIP_1")
    path = save([fits.PrimaryHDU(), hdu])
    content = bytearray(path.read_bytes())
    content[-2880:-1500] = b"\x55" * 1380
    with (
        FitsFile.open(save(bytes(content))) as f,
        pytest.raises(InputError, match="HDU 1: the comp"),
    ):
        _ = f[1].data


def test_compressed_image_that_claims_too_much_is_refused(save):
    path = save([fits.PrimaryHDU(), fits.CompImageHDU(np.zeros((64, 64), "i2"))])
    content = path.read_bytes().replace(
        card("ZNAXIS1", "64")[:30], card("ZNAXIS1", "64" + "0" * 8)[:30]
    )
    with (
        FitsFile.open(save(content)) as f,
        pytest.raises(InputError, match=r"claim to be .*refused"),
    ):
        _ = f[1].data


# ---- tables


def sample_table() -> fits.BinTableHDU:
    ragged = np.array([np.arange(2), np.arange(3), np.arange(0)], dtype=object)
    columns = [
        fits.Column("LOGICAL", "L", array=[True, False, True]),
        fits.Column("BITS", "11X", array=np.arange(33).reshape(3, 11) % 3 == 0),
        fits.Column("BYTE", "B", array=[0, 1, 255]),
        fits.Column("SBYTE", "B", bzero=-128, array=np.array([-128, 0, 127], "i1")),
        fits.Column("SHORT", "I", array=[-1, 0, 1]),
        fits.Column("USHORT", "I", bzero=2**15, array=np.array([0, 40000, 65535], "u2")),
        fits.Column("INT", "J", null=-99, array=[-1, 0, -99]),
        fits.Column("UINT", "J", bzero=2**31, array=np.array([0, 1, 2**32 - 1], "u4")),
        fits.Column("LONG", "K", array=[-(2**63), 0, 2**63 - 1]),
        fits.Column("ULONG", "K", bzero=2**63, array=np.array([0, 1, 2**64 - 1], "u8")),
        fits.Column("SCALED", "E", bscale=0.5, bzero=3, array=np.array([3.0, 3.5, 10.0])),
        fits.Column("FLUX", "E", unit="Jy", array=np.array([1.5, np.nan, -1], "f4")),
        fits.Column("DOUBLE", "D", array=[1.5, np.inf, -1]),
        fits.Column("CFLOAT", "C", array=np.array([1, 2j, 3 + 4j], "c8")),
        fits.Column("CDOUBLE", "M", array=np.array([1, 2j, 3 + 4j])),
        fits.Column("NAME", "6A", array=["a", "bc d", "sixsix"]),
        fits.Column(
            "NAMES", "8A", dim="(4,2)", array=np.array([["a", "bb"], ["c", ""], ["d", "four"]])
        ),
        fits.Column("VECTOR", "3J", array=np.arange(9).reshape(3, 3)),
        fits.Column("CUBE", "6E", dim="(3,2)", array=np.arange(18.0).reshape(3, 2, 3)),
        fits.Column("NOTHING", "0J", array=np.zeros((3, 0), "i4")),
        fits.Column("RAGGED", "PJ()", array=ragged),
        fits.Column("WIDE", "QD()", array=ragged),
        fits.Column("TEXTS", "PA()", array=np.array(["ab", "cde", ""], dtype=object)),
    ]
    return fits.BinTableHDU.from_columns(columns, name="CAT")


def same(found, expected) -> None:
    assert type(found) is np.ndarray
    assert found.dtype.isnative
    if found.dtype == object:
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(
                ours, "".join(theirs) if isinstance(ours, str) else theirs
            )
    else:
        np.testing.assert_array_equal(found, np.reshape(expected, found.shape))
        assert found.dtype.kind == np.asarray(expected).dtype.kind


def test_columns_are_astropys(save):
    path = save([fits.PrimaryHDU(), sample_table()])
    with FitsFile.open(path) as f, fits.open(path, uint=True) as theirs:
        table = f["CAT"].data
        assert f["CAT"].kind is Kind.TABLE
        assert table.names == tuple(theirs[1].columns.names)
        assert len(table) == 3
        assert table.shape == f["CAT"].shape == (3,)
        for name in set(table.names) - {"SBYTE", "INT", "NOTHING"}:
            same(table[name], theirs[1].data[name])
            same(table[1:][name], theirs[1].data[name][1:])
            same(table[::-2][name], theirs[1].data[name][::-2])
        assert table["SBYTE"].tolist() == [-128, 0, 127]
        assert table["SBYTE"].dtype == "i1"
        assert table["INT"].tolist() == [-1, 0, -99]
        assert len(table[3:]) == len(table[3:]["INT"]) == 0
        assert table["USHORT"].dtype == np.dtype("u2")
        assert table["ULONG"].dtype == np.dtype("u8")
        assert table["FLUX"].dtype == np.dtype("f4")
        assert table["CUBE"].shape == (3, 2, 3)
        assert table["NAMES"].tolist() == [["a", "bb"], ["c", ""], ["d", "four"]]
        assert table["TEXTS"].tolist() == ["ab", "cde", ""]
        assert table["NOTHING"].shape == (3, 0)


def test_scaled_null_is_nan_and_scaled_arrays_of_the_heap(save):
    rows = np.array([(5, 2, 0), (-1, 1, 4)], [("A", ">i2"), ("n", ">i4"), ("at", ">i4")])
    heap = np.array([-32768, 7232, 32767], ">i2")
    more = {"NAXIS1": "10", "NAXIS2": "2", "PCOUNT": "6", "GCOUNT": "1", "TFIELDS": "2"}
    more |= {"TFORM1": "'I'", "TSCAL1": "2.0", "TNULL1": "-1"}
    more |= {"TFORM2": "'1PI(2)'", "TZERO2": "32768"}
    data = (rows.tobytes() + heap.tobytes()).ljust(2880, b"\0")
    with FitsFile.open(save(primary() + extension("'BINTABLE'", naxis="2", **more) + data)) as f:
        table = f[1].data
        assert table.names == ("col1", "col2")
        np.testing.assert_array_equal(table["col1"], [10.0, np.nan])
        assert [row.tolist() for row in table["col2"]] == [[0, 40000], [65535]]
        assert table.raw_rows().read().tobytes() == rows.tobytes()
        assert table[1:].raw_rows().read().tobytes() == rows[1:].tobytes()
        assert table[::-1].raw_rows().read().tobytes() == rows[::-1].tobytes()
        for one in (table, table[1:]):
            assert one.heap().read().tobytes() == heap.tobytes()
        assert table.header["TFORM1"] == "I"


def test_ascii_table(save):
    columns = [
        fits.Column("ID", "I6", ascii=True, array=[1, -20, 300]),
        fits.Column("FLUX", "F10.3", ascii=True, array=[1.5, -2.25, 1e3]),
        fits.Column("SIGMA", "E12.4", ascii=True, array=[1.5e-10, 2.0, -3e10]),
        fits.Column("DOUBLE", "D25.16", ascii=True, array=[0.1, 1e-300, 1 / 3]),
        fits.Column("NAME", "A5", ascii=True, array=["a", "b c", "fives"]),
    ]
    path = save([fits.PrimaryHDU(), fits.TableHDU.from_columns(columns, name="TXT")])
    with FitsFile.open(path) as f, fits.open(path) as theirs:
        table = f["TXT"].data
        assert f["TXT"].kind is Kind.ASCII_TABLE
        for name in table.names[:4]:
            np.testing.assert_array_equal(table[name], theirs[1].data[name])
        assert table["ID"].dtype == np.int64
        assert table["NAME"].tolist() == ["a", "b c", "fives"]
        assert table[2:]["ID"].tolist() == [300]


def test_ascii_nulls_blanks_and_implied_points(save):
    more = {"NAXIS1": "12", "NAXIS2": "3", "PCOUNT": "0", "GCOUNT": "1", "TFIELDS": "3"}
    more |= {"TFORM1": "'I4'", "TBCOL1": "1", "TFORM2": "'F4.2'", "TBCOL2": "5"}
    more |= {"TNULL2": "'***'", "TFORM3": "'D4.1'", "TBCOL3": "9", "TSCAL3": "2.0"}
    data = b"  12 123 1D1    1.25 3.5  -1 ***    "
    content = primary() + extension("'TABLE   '", naxis="2", **more) + data.ljust(2880)
    with FitsFile.open(save(content)) as f:
        table = f[1].data
        assert table["col1"].tolist() == [12, 0, -1]
        np.testing.assert_array_equal(table["col2"], [1.23, 1.25, np.nan])
        np.testing.assert_array_equal(table["col3"], [2.0, 7.0, 0.0])


def test_unknown_column_is_said_in_plain_words(save):
    with FitsFile.open(save([fits.PrimaryHDU(), sample_table()])) as f:
        table = f[1].data
        assert table["flux"] is table["FLUX"]
        with pytest.raises(KeyError) as caught:
            table["FLUXX"]
        assert str(caught.value).endswith("raw.fits has no column FLUXX; did you mean FLUX?")
        with pytest.raises(TypeError, match="name of a column or a slice"):
            table[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"TFORM1": "'1Z'"}, "TFORM1 is '1Z'"),
        ({"TFORM1": "'2J'"}, "take 16 bytes a row, NAXIS1 is 12"),
        ({"TFORM1": "5"}, "TFORM1 is 5: expected a string"),
        ({"TZERO1": "'a'"}, "TZERO1 is 'a': expected a number"),
        ({"TDIM1": "'(2,2)'"}, r"TDIM1 is '\(2,2\)', of 1 elements"),
        ({"TDIM1": "'2'"}, "TDIM1 is '2'"),
        ({"TFORM2": "'2PJ'", "TFORM1": "'0J'"}, "take 16 bytes"),
        (
            {"THEAP": "99"},
            "1 elements from byte 0 of the heap, which has 0",
        ),
        ({"ZTABLE": "T"}, "compressed table"),
    ],
)
def test_column_that_cannot_be_decoded(save, change, words):
    rows = np.array([(5, 1, 0)], [("A", ">i4"), ("n", ">i4"), ("at", ">i4")])
    more = {"NAXIS1": "12", "NAXIS2": "1", "PCOUNT": "4", "GCOUNT": "1", "TFIELDS": "2"}
    more |= {"TFORM1": "'J'", "TFORM2": "'PJ'", **change}
    data = rows.tobytes().ljust(2880, b"\0")
    with FitsFile.open(save(primary() + extension("'BINTABLE'", naxis="2", **more) + data)) as f:
        table = f[1].data
        with pytest.raises(InputError, match=f"raw.fits: error: HDU 1, .*byte .*{words}"):
            [table[name] for name in table.names]


def test_heap_that_is_claimed_many_times_is_refused(save, monkeypatch):
    monkeypatch.setattr("fitsgen.inputs.opening.HARMLESS", 1000)
    rows = np.array([(4, 0)] * 1000, ">i4")
    more = {**TABLE, "NAXIS1": "8", "NAXIS2": "1000", "PCOUNT": "16", "TFORM1": "'PJ'"}
    data = (rows.tobytes() + bytes(16)).ljust(3 * 2880, b"\0")
    with FitsFile.open(save(primary() + extension("'BINTABLE'", naxis="2", **more) + data)) as f:
        table = f[1].data
        with pytest.raises(InputError, match="16 bytes of heap claim to be 16000: refused"):
            table["col1"]


def test_text_that_is_not_ascii_is_an_error(save):
    more = {
        "NAXIS1": "4",
        "NAXIS2": "1",
        "PCOUNT": "0",
        "GCOUNT": "1",
        "TFIELDS": "1",
        "TFORM1": "'4A'",
    }
    content = primary() + extension("'BINTABLE'", naxis="2", **more)
    with FitsFile.open(save(content + b"ab\0d".ljust(2880, b"\0"))) as f:
        assert f[1].data["col1"].tolist() == ["ab"]
    f = FitsFile.open(save(content + b"caf\xe9".ljust(2880, b"\0")))
    with pytest.raises(
        InputError, match=r"HDU 1, row 1, column 1, byte 5763: a text with the byte 0xE9"
    ):
        f[1].data["col1"]


# ---- the file as a whole


def test_hdus_are_found_by_number_name_and_version(save):
    hdus = [fits.PrimaryHDU()] + [fits.ImageHDU(name="Sci", ver=v) for v in (1, 2)]
    with FitsFile.open(save([*hdus, fits.ImageHDU()])) as f:
        assert len(f) == len(list(f)) == 4
        assert f["sci"] is f[1] is f["SCI", 1]
        assert f["SCI", 2] is f[2]
        assert f["primary"] is f[0]
        assert f[-1] is f[3]
        assert [hdu.name for hdu in f] == ["PRIMARY", "SCI", "SCI", ""]
        for key in ("ERR", ("SCI", 3), 4, -5, True, None):
            with pytest.raises(
                MissingHDU, match=r"raw.fits has no HDU .*; it has 0 PRIMARY, 1 SCI, "
            ):
                f[key]


def test_text_forms_are_fixed(save):
    with FitsFile.open(save([fits.PrimaryHDU(), sample_table()])) as f:
        forms = [repr(f), repr(f[1]), repr(f[1].header), repr(f[1].data)]
    assert forms == [
        "<FITS file>",
        "<HDU 1 of the input>",
        "<header of HDU 1>",
        "<table of HDU 1>",
    ]


def test_gzip_is_unpacked_and_leaves_nothing(save, tmp_path, monkeypatch):
    pixels = np.arange(10000, dtype="i4")
    plain = save([fits.PrimaryHDU(pixels)])
    half = plain.stat().st_size // 2
    members = gzip.compress(plain.read_bytes()[:half], mtime=0) + gzip.compress(
        plain.read_bytes()[half:]
    )
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spare))
    with FitsFile.open(save(members, "raw.fits.gz")) as f:
        np.testing.assert_array_equal(f[0].data, pixels)
        assert list(spare.iterdir()) == []


def test_gzip_bomb_is_refused(save, monkeypatch):
    monkeypatch.setattr("fitsgen.inputs.opening.HARMLESS", 2**21)
    bomb = gzip.compress(primary("8", "1", NAXIS1="20000000") + bytes(20_000_000))
    with pytest.raises(InputError, match=r"gzip unpack to more than .*: refused") as caught:
        FitsFile.open(save(bomb))
    assert "gunzip" in str(caught.value)


@pytest.mark.parametrize("harm", [lambda b: b[:-100], lambda b: b[:300] + b"x" * 50 + b[350:]])
def test_damaged_gzip_is_an_error(save, harm):
    noise = np.random.default_rng(1).integers(0, 255, 5000, "u1")
    packed = gzip.compress(save([fits.PrimaryHDU(noise)]).read_bytes())
    with pytest.raises(InputError, match="the gzip compression is damaged"):
        FitsFile.open(save(harm(packed), "raw.fits.gz"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            primary("7"),
            "HDU 0, card 2 .BITPIX., byte 80: BITPIX is 7: expected one of 8 16 32 64 -32 -64",
        ),
        (primary("'x'"), "HDU 0, card 2 .BITPIX., byte 80: BITPIX is 'x': expected an integer"),
        (primary("16.0"), "HDU 0, card 2 .BITPIX., byte 80: BITPIX is 16.0: expected an integer"),
        (primary("T"), "HDU 0, card 2 .BITPIX., byte 80: BITPIX is True: expected an integer"),
        (primary("8", "-1"), "HDU 0, card 3 .NAXIS., byte 160: NAXIS is -1: expected 0 or more"),
        (primary("8", "2147483647"), "byte 160: NAXIS is 2147483647: expected 999 or less"),
        (primary("8", "x"), r"HDU 0, card 3 \(NAXIS\), byte 160: `x` is no"),
        (block(card("SIMPLE", "T"), card("BITPIX", "8")), "HDU 0: NAXIS is missing"),
        (primary("8", "1"), "HDU 0: NAXIS1 is missing"),
        (
            primary("8", "1", NAXIS1="-5"),
            "card 4 .NAXIS1., byte 240: NAXIS1 is -5: expected 0 or more",
        ),
        (primary("16", "1", NAXIS1="1" + "0" * 12), "expected 2000000000000 bytes, found 0"),
        (primary("16", "2", **IMAGE), "HDU 0: the data are cut short: expected 200 bytes, found 0"),
        (primary("16", "2", **IMAGE) + bytes(199), "expected 200 bytes, found 199"),
        (primary() + extension(bitpix="16", naxis="2", **IMAGE) + bytes(9), "HDU 1: the data are"),
        (
            primary() + extension(naxis="1", NAXIS1="0", GCOUNT="0"),
            "HDU 1, card 5 .GCOUNT., byte 3200: GCOUNT is 0",
        ),
        (primary() + extension(naxis="1", NAXIS1="0", PCOUNT="-1"), "byte 3200: PCOUNT is -1"),
        (primary() + extension("'BINTABLE'", naxis="1", NAXIS1="4"), "8 1 1: a table has 8 2 1"),
        (
            primary() + extension("'BINTABLE'", naxis="2", **{**TABLE, "TFIELDS": str(2**31)}),
            "byte 3440: TFIELDS is 2147483648: expected 999 or less",
        ),
        (
            primary()
            + extension("'BINTABLE'", naxis="2", **{**TABLE, "NAXIS1": "0", "NAXIS2": "9"}),
            "byte 3200: the table has 9 rows of no bytes",
        ),
        (primary() + extension(naxis="0")[:80], "HDU 1: the header that begins at byte 2880"),
        (primary().replace(b"END", b"XXX"), "HDU 0: the header that begins at byte 0 has no END"),
        (primary().replace(b"   T", b"   F", 1), "HDU 0, card 1 .SIMPLE., byte 0: SIMPLE is not T"),
        (b"", "the file is empty"),
        (b"\x89HDF\r\n", "is no FITS file: .*found an HDF5 file"),
        (b"PK\x03\x04", "found a zip archive"),
        (b"hello world", "found `hello world`"),
        (b"\x00\x01", "found 00 01"),
        (gzip.compress(b"hello", mtime=0), "is no FITS file: .*found `hello`"),
        (gzip.compress(b"", mtime=0), "is no FITS file"),
    ],
)
def test_damaged_file_is_one_error_that_names_the_place(save, content, words):
    path = save(content)
    with pytest.raises(InputError, match=words) as caught:
        FitsFile.open(path)
    assert len(caught.value.problems) == 1
    assert str(caught.value).startswith(f"{path}: error: ")


def test_what_is_no_regular_file_is_an_error(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    cases = {
        tmp_path: "is a directory",
        tmp_path / "fifo": "is a pipe, socket or device",
        Path("/dev/zero"): "is a pipe, socket or device",
        tmp_path / "none": "cannot be read: No such file",
        tmp_path / "loop": "cannot be read: Too many levels",
        tmp_path / "n\0ul": "cannot be read: ",
    }
    for path, words in cases.items():
        with pytest.raises(InputError, match=words):
            FitsFile.open(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_unreadable_file_is_an_error(save):
    path = save(primary())
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        FitsFile.open(path)


def test_what_can_be_put_up_with_is_a_warning(save):
    image = primary("16", "2", **IMAGE) + bytes(200)
    for content, words in [
        (image, "2680 bytes of padding are missing at the end"),
        (primary()[:400], "2480 bytes of padding are missing at the end"),
        (primary() + b"junk", "4 bytes after the last HDU are ignored"),
        (
            primary() + extension("'FOREIGN '"),
            "HDU 1, card 1 .XTENSION., byte 2880: .* unknown extension, 'FOREIGN'",
        ),
    ]:
        with FitsFile.open(save(content)) as f:
            assert [problem.is_error for problem in f.problems] == [False]
            assert re.search(words, f.problems[0].message)
    with FitsFile.open(save(primary())) as f:
        assert f.problems == ()


def test_data_of_unknown_kinds_are_an_error_only_when_read(save):
    groups = {"NAXIS1": "0", "NAXIS2": "3", "GROUPS": "T", "PCOUNT": "2", "GCOUNT": "4"}
    content = primary("16", "2", **groups) + bytes(2880)
    content += (
        extension("'FOREIGN '", naxis="1", NAXIS1="3", ANSWER="42") + bytes(2880) + extension()
    )
    with FitsFile.open(save(content)) as f:
        assert len(f) == 3
        assert len(f[0].raw_data()) == 2 * 4 * (2 + 3)
        assert f[1].kind is Kind.OTHER
        assert f[1].header["ANSWER"] == 42
        with pytest.raises(InputError, match=r"HDU 0, card 6 .GROUPS., byte 400: random groups"):
            _ = f[0].data
        with pytest.raises(InputError, match="HDU 1: data of the unknown extension 'FOREIGN'"):
            _ = f[1].data


def test_many_axes(save):
    axes = {f"NAXIS{n}": "1" for n in range(1, 100)}
    with FitsFile.open(save(primary("8", "99", **axes) + bytes(2880))) as f:
        assert f[0].shape == (1,) * 99
        with pytest.raises(InputError, match="byte 160: an image of 99 axes"):
            _ = f[0].data


def test_arrays_outlive_the_file_and_nothing_else_is_read_after_it(save):
    path = save([fits.PrimaryHDU(np.arange(5, dtype="f4")), fits.ImageHDU(np.arange(3))])
    with FitsFile.open(path) as f:
        pixels, hdu = f[0].data, f[1]
    assert pixels.tolist() == [0, 1, 2, 3, 4]
    del pixels
    f.close()
    with pytest.raises(InputError, match="was closed before"):
        _ = hdu.data


def test_file_that_shrinks_is_an_error(save):
    path = save([fits.PrimaryHDU(np.zeros((100, 100)))])
    with FitsFile.open(path) as f:
        os.truncate(path, 2880)
        with pytest.raises(
            InputError, match="became shorter while it was read: from 83520 to 2880"
        ):
            f[0].data.whole("a test")


def test_many_hdus_open_in_bounded_time(save):
    content = primary() + extension(PCOUNT="0", GCOUNT="1") * 5000
    with FitsFile.open(save(content)) as f:
        assert len(f) == 5001
        with pytest.raises(MissingHDU) as caught:
            f["NONE"]
    assert len(str(caught.value)) < 1000


def test_mutated_structure_is_an_input_error_or_fine(save):
    rng = np.random.default_rng(7)
    path = save([fits.PrimaryHDU(np.arange(9, dtype="i2")), sample_table()])
    content = path.read_bytes()
    for _ in range(150):
        harmed = bytearray(content)
        for place in rng.integers(0, len(content), 12):
            harmed[place] = rng.integers(32, 127)
        read_all(save(bytes(harmed)))


def read_all(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            with FitsFile.open(path) as f:
                for hdu in f:
                    data = hdu.data
                    for name in getattr(data, "names", ()):
                        data[name]
        except InputError:
            return


def test_headers_and_pixels_need_no_astropy(save):
    path = save([fits.PrimaryHDU(np.arange(9, dtype="u2")), sample_table()])
    code = (
        "import sys; from fitsgen.inputs.fits import FitsFile; f = FitsFile.open(sys.argv[1]);"
        "f[1].header['TTYPE1'], f['CAT']; assert 'numpy' not in sys.modules;"
        "f[0].data, f[1].data['FLUX']; assert 'astropy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
