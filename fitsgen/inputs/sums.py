"""Whether the bytes of an HDU are those that its checksums were made of.

In: the values of DATASUM and CHECKSUM, and the bytes. Out: what does not fit, in words
(FITS Standard 4.0, section 4.4.2.7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fitsgen.checksum import MODULUS, Buffer, add, data_sum
from fitsgen.inputs.cards import shown_value


def mismatches(
    datasum: str, checksum: str, header: bytes, data: Iterable[Buffer]
) -> Iterator[tuple[str, str]]:
    """Yield keywords and what is wrong with them.

    Parameters
    ----------
    datasum, checksum
        The values; blank where they are not known, as the standard has it.
    header, data
        All bytes of the HDU, padding included.

    Raises
    ------
    InputError
        The data cannot be read.

    """
    found = data_sum(data)
    if datasum.strip() and (datasum.strip().lstrip("0") or "0") != str(found):
        yield "DATASUM", f"DATASUM is {shown_value(datasum)}, but the data add up to {found}"
    whole = add(found, data_sum([header]))
    if checksum.strip() and whole != MODULUS:
        said = f"the HDU adds up to {whole}, not to {MODULUS}"
        yield "CHECKSUM", f"CHECKSUM is {shown_value(checksum)}, which does not fit: {said}"
