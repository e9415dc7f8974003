"""fitsgen compiles templates that look like FITS headers into modules that make FITS files."""

__version__ = "0.1.0"
