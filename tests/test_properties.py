"""What holds for whatever a template, a data file or a FITS file says."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import strategies
from astropy.io import fits
from conftest import FITSVERIFY, assert_conforms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import DataFileText, Template

from fitsgen import compiler
from fitsgen.diagnostics import CompileError, InputError, errors
from fitsgen.inputs.datafile import read_data_file
from fitsgen.inputs.fits import FitsFile
from fitsgen.inputs.tables import TableData
from fitsgen.runtime.convert import Options, convert
from fitsgen.runtime.declare import FileType
from fitsgen.verification.standard import faults
from fuzz import mutate, reading

COMMON = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The path of what is made; each example of a test takes the place of the one before."""
    return tmp_path / "made.fits"


def compiled(template: Template, directory: Path) -> FileType:
    (directory / "part.gen.inc").write_text(template.included, encoding="utf-8")
    path = directory / "made.gen.txt"
    path.write_text(template.text, encoding="utf-8")
    checked = compiler.checked(path)
    text = compiler.module_text(checked)
    assert text == compiler.module_text(compiler.checked(path))
    module = directory / "made.py"
    module.write_text(text, encoding="utf-8")
    return compiler.load_module(module)


def convert_to(template: Template, path: Path) -> None:
    file_type = compiled(template, path.parent)
    convert(file_type, (), {}, Options(path, overwrite=True))


# ---- templates


@settings(COMMON, max_examples=40)
@given(template=strategies.templates())
def test_a_right_template_makes_a_file_that_keeps_the_standard(
    template: Template, made: Path
) -> None:
    convert_to(template, made)
    with FitsFile.open(made) as file:
        assert [str(fault) for fault in faults(file) if fault.is_error] == []
        assert len(file) == len(template.sections)
        for hdu, section in zip(file, template.sections, strict=True):
            for line in section.lines:
                for value in line.value:
                    assert hdu.header[line.keyword] == value, line.text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(made) as hdulist:
            hdulist.verify("exception")


@pytest.mark.skipif(not FITSVERIFY, reason="fitsverify is not installed")
@settings(COMMON, max_examples=15)
@given(template=strategies.templates())
def test_a_sample_of_them_is_clean_under_fitsverify(template: Template, made: Path) -> None:
    convert_to(template, made)
    assert_conforms(made, undefined_values=True)


@settings(COMMON, max_examples=40)
@given(template=strategies.templates(), dice=st.randoms(use_true_random=False))
def test_a_damaged_template_is_compiled_or_told_with_its_places(
    template: Template, dice: object, made: Path
) -> None:
    text = template.text.encode()
    for _ in range(3):
        text = mutate.lines(text, dice)  # type: ignore[arg-type]
    path = made.with_name("damaged.gen.txt")
    path.write_bytes(text)
    try:
        compiler.module_text(compiler.checked(path))
    except CompileError as error:
        count = text.count(b"\n") + 2
        for problem in errors(error.problems):
            assert problem.message
            assert problem.position
            assert problem.position.line <= count


# ---- data files


@settings(COMMON, max_examples=40)
@given(facts=strategies.data_files())
def test_a_data_file_says_what_was_written(facts: DataFileText, tmp_path: Path) -> None:
    path = tmp_path / "facts.dat"
    path.write_text(facts.text, encoding="utf-8")
    found = read_data_file(path)
    assert found.name == "facts"
    known = {name: cards for name, cards in facts.sections.items() if cards}
    assert {name: dict(values) for name, values in found.sections if values} == known


# ---- FITS files


def saved(hdus: fits.HDUList) -> bytes:
    target = io.BytesIO()
    hdus.writeto(target)
    return target.getvalue()


whole_files = strategies.hdu_lists().map(saved)


@settings(COMMON, max_examples=40)
@given(content=whole_files)
def test_a_file_is_read_as_astropy_reads_it(content: bytes, made: Path) -> None:
    made.write_bytes(content)
    with FitsFile.open(made) as file, fits.open(made) as expected:
        assert file.problems == ()
        assert len(file) == len(expected)
        for ours, theirs in zip(file, expected, strict=True):
            assert list(cards_of(theirs.header)) == [
                (card.keyword.removeprefix("HIERARCH "), card.value, card.comment)
                for card in ours.header.cards()
            ]
            same_data(ours.data, theirs)


def cards_of(header: fits.Header) -> Iterator[tuple[str, object, str]]:
    for card in header.cards:
        undefined = isinstance(card.value, fits.card.Undefined)
        value = None if undefined else card.value
        yield card.keyword, value.rstrip() if isinstance(value, str) else value, card.comment


def same_data(ours: object, theirs: fits.hdu.base.ExtensionHDU) -> None:
    if theirs.data is None:
        assert ours is None
    elif isinstance(ours, TableData):
        for name in theirs.columns.names:
            np.testing.assert_array_equal(ours[name], theirs.data[name])
    else:
        found = np.asarray(ours)
        assert found.dtype == theirs.data.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found, theirs.data)


@settings(COMMON, max_examples=100)
@given(content=strategies.damaged(whole_files))
def test_a_damaged_file_is_read_or_refused(content: bytes) -> None:
    reading.fits(content)


@settings(COMMON, max_examples=40)
@given(content=whole_files, seed=strategies.seeds)
def test_what_stands_before_the_damage_is_read_as_it_was(
    content: bytes, seed: int, made: Path
) -> None:
    """A file that is cut short anywhere gives an error, and not less data."""
    cut = seed % len(content)
    made.write_bytes(content[:cut])
    with suppress(InputError), FitsFile.open(made) as file:
        whole = made.with_name("whole.fits")
        whole.write_bytes(content)
        with FitsFile.open(whole) as expected:
            for ours, theirs in zip(file, expected, strict=False):
                assert bytes(ours.raw_data()) == bytes(theirs.raw_data())
                assert ours.header.raw == theirs.header.raw
            missing = math.ceil(cut / 2880) * 2880 - cut
            assert bool(file.problems) == bool(missing)
