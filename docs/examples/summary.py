"""Show what a FITS file holds: `python summary.py FILE KEYWORD...`.

Every HDU with its size, the cards of the keywords asked for, and what astropy finds wrong.
"""

import sys
import warnings

from astropy.io import fits


def main(path: str, *keywords: str) -> None:
    with warnings.catch_warnings(), fits.open(path) as hdulist:
        warnings.simplefilter("error")
        hdulist.verify("exception")
        print(f"astropy finds no fault in {path}")
        for number, hdu in enumerate(hdulist):
            data = "no data" if hdu.data is None else f"{hdu.data.dtype.name} {hdu.data.shape}"
            print(f"HDU {number} {hdu.name}: {len(hdu.header)} cards, {data}")
            for card in hdu.header.cards:
                if card.keyword in keywords:
                    print(f"    {str(card).rstrip()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
