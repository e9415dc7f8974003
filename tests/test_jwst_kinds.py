"""Kinds of raw file, the file types chosen for them, and the detectors told by their headers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitsgen.diagnostics import InputError
from fitsgen.inputs.fits import FitsFile
from fitsgen.inputs.headers import Header, Place
from fitsgen.jwst.detectors import DETECTORS, identify, instrument_of
from fitsgen.jwst.kinds import Choice, choose_file_type, choose_for

PLACE = Place("raw.fits", 0)


def header(**keywords: object) -> Header:
    made = fits.Header()
    for key, value in keywords.items():
        made[key] = value
    return Header(made.tostring(endcard=False, padding=False).encode(), PLACE)


def raw(directory: Path, history: str = "", /, **keywords: object) -> Path:
    path = directory / "raw.fits"
    hdu = fits.PrimaryHDU()
    for key, value in keywords.items():
        hdu.header[key.replace("DATE_OBS", "DATE-OBS")] = value
    if history:
        hdu.header.add_history(history)
    hdu.writeto(path, overwrite=True)
    return path


def chosen(path: Path) -> Choice:
    with FitsFile.open(path) as file:
        return choose_file_type(file)


CHOICES = [
    ("miri_ifu", {"INSTRUME": "MIRI", "EXP_TYPE": "MIR_MRS", "FWA_POS": "P750L"}),
    ("miri_lrs", {"INSTRUME": "MIRI", "EXP_TYPE": "MIR_LRS", "FWA_POS": "P750L"}),
    ("miri_imaging", {"INSTRUME": "MIRI", "EXP_TYPE": "MIR_IMAGE", "FWA_POS": 7}),
    ("miri_imaging", {"INSTRUME": " miri "}),
    ("nircam_fm1", {"INSTRUME": "NIRCAM", "DATE_OBS": "2012-07-01"}),
    ("nircam_fm1", {"INSTRUME": "NIRCAM", "DATE_OBS": "2019-12-11T01:02:03"}),
    ("nircam", {"INSTRUME": "NIRCAM", "DATE_OBS": "2012-06-30", "SCA_ID": 481}),
    ("nircam", {"INSTRUME": "NIRCAM", "SCA_ID": 490}),
    ("nirspec_fm1", {"INSTRUME": "NIRSPEC", "DATE_OBS": "2011-01-01"}),
    ("nirspec_fm1", {"INSTRUME": "NIRSPEC", "DATE_OBS": "2011-06-30"}),
    ("nirspec", {"INSTRUME": "NIRSPEC", "DATE_OBS": "2011-07-01", "SCA_ID": 491}),
    ("nirspec", {"INSTRUME": "NIRSPEC", "DATE_OBS": "2010-12-31", "SCA_ID": "0x1EC"}),
    ("tfi", {"INSTRUME": "TFI", "SCA_ID": 496}),
    ("niriss_spec_vert", {"INSTRUME": "NIRISS", "PWCCRPUP": "GR700XD", "FWCCRFIL": "GR150C"}),
    ("niriss_spec_vert", {"INSTRUME": "NIRISS", "FWCCRFIL": "GR150R"}),
    ("niriss_spec_horiz", {"INSTRUME": "NIRISS", "FWCCRFIL": "GR150C"}),
    ("niriss", {"INSTRUME": "NIRISS", "FWCCRFIL": "CLEAR"}),
    ("guider", {"INSTRUME": "GUIDER", "SCA_ID": 497}),
    ("guider", {"INSTRUME": "FGS", "DETECTOR": "GUIDER2"}),
    ("nircam", {"SCA_ID": "489"}),
    ("nirspec", {"SCA_ID": "1eb"}),
    ("miri", {"SCA_ID": 494.0}),
    ("niriss", {"DETECTOR": "NIS"}),
    ("niriss", {"INSTRUME": "SOMETHING", "SCA_ID": 496}),
]


@pytest.mark.parametrize(("name", "keywords"), CHOICES)
def test_fitswriter(name: str, keywords: dict[str, object], tmp_path: Path) -> None:
    choice = chosen(raw(tmp_path, "made by FITSWriter 2.1", **keywords))
    assert choice.name == f"{name}_level1b"
    assert choice.reason.startswith("'FITSWriter' is in a HISTORY card of HDU 0 (FITSWriter); ")


OTHERS = [
    ("nirspec_ips", "", {"IPSDET": "NRS1"}),
    ("nirspec_ips", "FITSWriter", {"IPSDET": 1, "INSTRUME": "NIRSPEC"}),
    ("nircam_ncont", "NCont Post processor of FITSWriter files", {}),
    ("nircam", "swts2fits 1.0", {}),
    ("nirspec", "FITSWriter", {"IPSDET": " ", "SCA_ID": 492}),
]


@pytest.mark.parametrize(("name", "history", "keywords"), OTHERS)
def test_other_kinds(name: str, history: str, keywords: dict[str, object], tmp_path: Path) -> None:
    assert chosen(raw(tmp_path, history, **keywords)).name == f"{name}_level1b"


def test_a_history_that_cannot_be_read_does_not_matter(tmp_path: Path) -> None:
    path = raw(tmp_path, "FITSWriter WXYZ", SCA_ID=481)
    path.write_bytes(path.read_bytes().replace(b"WXYZ", b"\xff\x00\x01\x02"))
    assert chosen(path).name == "nircam_level1b"


def test_without_a_kind_all_that_was_looked_for_and_found_is_listed(tmp_path: Path) -> None:
    path = raw(tmp_path, "made by hand", INSTRUME="NIRCAM", SCA_ID="x" * 68)
    with pytest.raises(InputError) as caught:
        chosen(path)
    text = str(caught.value)
    assert str(path) in text
    for part in ("IPSDET is in HDU 0", "'NCont Post processor'", "'swts2fits'", "'FITSWriter'"):
        assert f": {part}" in text
    assert "found INSTRUME = 'NIRCAM', SCA_ID = 'xxx" in text
    assert "found 1 HISTORY cards" in text
    assert "--template" in text
    assert max(map(len, text.splitlines())) < 200


WRONG = [
    ({"INSTRUME": 5, "SCA_ID": 481}, "INSTRUME is 5: expected text"),
    ({"INSTRUME": "NIRCAM", "DATE_OBS": "01/07/12"}, "DATE-OBS is '01/07/12': expected a date"),
    ({"INSTRUME": "NIRCAM", "DATE_OBS": "2012-02-30"}, "DATE-OBS is '2012-02-30'"),
    ({"INSTRUME": "NIRCAM", "DATE_OBS": 2012}, "DATE-OBS is 2012: expected text"),
    ({"INSTRUME": "NIRCAM"}, "found INSTRUME = 'NIRCAM', whose detectors are NRCA1, NRCA2"),
    ({}, "looked for SCA_ID, DETECTOR, MODULE with SCA, and INSTRUME in HDU 0"),
    ({"SCA_ID": 480}, "SCA_ID is 480, which is no detector: expected 481 to 498"),
    ({"SCA_ID": True}, "SCA_ID is True"),
    ({"SCA_ID": 10.0}, "hexadecimal must be quoted as text"),
    ({"SCA_ID": "0x"}, "SCA_ID is '0x'"),
    ({"SCA_ID": "F" * 60}, "SCA_ID is 'FFFFFFFFFFFF...FFFFFFFFFFFFF'"),
    ({"SCA_ID": -481}, "SCA_ID is -481"),
    ({"DETECTOR": "NRCA9"}, "DETECTOR is 'NRCA9', which is no detector: expected NRCA4 or"),
    ({"DETECTOR": 481}, "DETECTOR is 481: expected text"),
    ({"SCA_ID": 481, "DETECTOR": "NRCB1"}, "DETECTOR is 'NRCB1', but the detector is NRCA1"),
    ({"SCA_ID": 481, "INSTRUME": "FGS"}, "INSTRUME is 'FGS', but the detector is NRCA1"),
]


@pytest.mark.parametrize(("keywords", "message"), WRONG)
def test_what_cannot_be_chosen_is_told(
    keywords: dict[str, object], message: str, tmp_path: Path
) -> None:
    path = raw(tmp_path, "FITSWriter", **keywords)
    with pytest.raises(InputError) as caught:
        chosen(path)
    assert message in str(caught.value)
    assert "no file type is chosen for this FITSWriter file" in str(caught.value)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: d.name)
def test_every_form_of_a_detector(detector: object) -> None:
    number, name = detector.sca_id, detector.name  # type: ignore[attr-defined]
    forms: list[dict[str, object]] = [{"SCA_ID": form} for form in (number, float(number))]
    texts = (str(number), f" {number} ", f"{number}.0", hex(number), f"{number:X}", f"0X{number:x}")
    forms += [{"SCA_ID": text} for text in texts]
    forms += [{"DETECTOR": name.lower()}, {"SCA_ID": " ", "DETECTOR": name}]
    for form in forms:
        assert identify(header(**form)) is detector, form


@pytest.mark.parametrize(
    ("keywords", "name", "instrument"),
    [
        ({"DETECTOR": "TFI"}, "NIS", "TFI"),
        ({"DETECTOR": "NIRISS"}, "NIS", "NIRISS"),
        ({"INSTRUME": "TFI"}, "NIS", "TFI"),
        ({"INSTRUME": "NIRISS"}, "NIS", "NIRISS"),
        ({"INSTRUME": "TFI", "DETECTOR": "NIRISS"}, "NIS", "TFI"),
        ({"INSTRUME": "GUIDER", "DETECTOR": "GUIDER2"}, "GUIDER2", "FGS"),
        ({"INSTRUME": "NIRCAM", "MODULE": "B", "SCA": 3}, "NRCB3", "NIRCAM"),
        ({"MODULE": "A", "SCA": "LONG"}, "NRCALONG", "NIRCAM"),
    ],
)
def test_names_of_2013(keywords: dict[str, object], name: str, instrument: str) -> None:
    told = header(**keywords)
    detector = identify(told)
    assert (detector.name, instrument_of(told, detector)) == (name, instrument)


VALUES = st.one_of(
    *(st.none(), st.booleans(), st.integers(-(10**9), 10**9)),
    *(
        st.floats(allow_nan=False, allow_infinity=False),
        st.text("0123456789ABCDEFx. -", max_size=9),
    ),
    *(st.sampled_from([d.name for d in DETECTORS]), st.sampled_from(["TFI", "MIRI", "NIRCAM"])),
)
KEYS = st.sampled_from(["SCA_ID", "DETECTOR", "INSTRUME", "DATE_OBS", "EXP_TYPE", "IPSDET", "SCA"])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(keywords=st.dictionaries(KEYS, VALUES), history=st.sampled_from(["", "FITSWriter"]))
def test_any_header_is_chosen_for_or_told(
    keywords: dict[str, object], history: str, tmp_path: Path
) -> None:
    path = raw(tmp_path, history, **keywords)
    try:
        name = chosen(path).name
    except InputError as error:
        name = str(error)
    assert name.endswith("_level1b") or name.startswith(f"{path}: error: ")


def test_the_fits_file_is_found_among_inputs(tmp_path: Path) -> None:
    path = raw(tmp_path, "FITSWriter", SCA_ID=496)
    data = tmp_path / "obsid.dat"
    data.write_text("<<file obsid>>\nPROGRAM = '01234'\n")
    assert choose_for([str(data), str(path)]).name == "niriss_level1b"
    with pytest.raises(InputError, match="no FITS file without a name"):
        choose_for([str(data), f"dark={path}"])


def test_convert_says_which_type_it_took_and_why(tmp_path: Path) -> None:
    raw(tmp_path, "FITSWriter", SCA_ID="1F0", OBJECT="lamp")
    template = "<<file niriss_level1b>>\n\n<<header primary>>\nOBJECT = input() / what\n"
    (tmp_path / "niriss_level1b.gen.txt").write_text(template)
    command = [sys.executable, "-m", "fitsgen", "convert", "raw.fits", "-I", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    note = (
        "'FITSWriter' is in a HISTORY card of HDU 0 (FITSWriter); the detector is NIS (SCA_ID 496)"
    )
    assert done.stderr == f"note: file type niriss_level1b: {note}\n"
    assert done.stdout == "wrote raw_niriss_level1b.fits\n"
    raw(tmp_path)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "looked for a FITSWriter file" in done.stderr
