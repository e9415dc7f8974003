"""What emitted modules import, and how they become files."""

from fitsgen.runtime import np
from fitsgen.runtime.declare import HDU, Blank, Card, FileType, Heading

__all__ = ["HDU", "Blank", "Card", "FileType", "Heading", "np"]
