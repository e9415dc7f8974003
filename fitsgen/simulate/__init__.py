"""Seeded detector exposures, as FITS: raw files to try things on, the same for the same seed."""
