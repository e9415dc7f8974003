"""A FITS file to a picture of it.

`reading` makes a `Page` of panels of a file, of which it reads no more than is
shown; `drawing` makes a PNG of a page, and alone needs matplotlib.
"""
