"""What an emitted module is written in: the file type as plain values and lambdas.

In: nothing. Out: `FileType` and its parts, which `build` turns into a file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from fitsgen.runtime.structural import is_structural

if TYPE_CHECKING:
    from astropy.io.fits import HDUList

    from fitsgen.runtime.origins import Origins

FORMAT = 3
"""The format of emitted modules; a module of another one is refused when it is loaded."""


class Card:
    """A keyword with its comment and its value: a plain one, or a lambda over sources.

    `None` is an undefined value, or for a structural keyword no demand.
    """

    __slots__ = ("comment", "image", "is_structural", "keyword", "optional", "reads", "value")

    def __init__(
        self, keyword: str, value: object, comment: str = "", *, optional: bool = False
    ) -> None:
        self.keyword = keyword
        self.value = value
        self.comment = comment
        self.optional = optional
        self.reads = reads_of(value)
        self.is_structural = is_structural(keyword)
        # The text of a constant card, kept once it was made: the same for every file.
        self.image: str | None = None


class Heading:
    """A card with a blank keyword and a text."""

    __slots__ = ("image", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.image: str | None = None


class Blank:
    """A blank card."""

    __slots__ = ()
    image: ClassVar[str] = " " * 80


Item = Card | Heading | Blank


class HDU:
    """The cards of a header, and a lambda that gives the data."""

    __slots__ = ("comments", "data", "index", "items", "name", "reads", "structural")

    def __init__(self, name: str, *items: Item, data: Callable[..., object] | None = None) -> None:
        self.name = name
        self.items = items
        self.data = data
        self.reads = reads_of(data)
        cards = [(number, item) for number, item in enumerate(items) if isinstance(item, Card)]
        self.index = {card.keyword: number for number, card in cards}
        self.comments = {card.keyword: card.comment for _, card in cards}
        self.structural = {card.keyword: number for number, card in cards if card.is_structural}


def reads_of(value: object) -> tuple[str, ...] | None:
    """Return the sources that a lambda reads: its parameters. A constant gives `None`."""
    code = getattr(value, "__code__", None)
    return code.co_varnames[: code.co_argcount] if code else None


@dataclass(frozen=True, init=False)
class FileType:
    """A compiled template: makes files of its type.

    Attributes
    ----------
    name : str
        The name on the template's file line.
    hdus : tuple of HDU
        What the file consists of, in order.
    reads : tuple of str
        The sources that its expressions ask.

    """

    name: str
    hdus: tuple[HDU, ...]
    reads: tuple[str, ...] = field(repr=False, compare=False)
    origins: Origins | None = field(default=None, repr=False, compare=False)

    def __init__(self, name: str, *hdus: HDU, format: int, origins: Origins | None = None) -> None:
        if format != FORMAT:
            message = f"{name}: compiled for format {format} of fitsgen modules, this is {FORMAT}"
            raise ImportError(f"{message}: compile the template again")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "hdus", hdus)
        cards = [item for hdu in hdus for item in hdu.items if isinstance(item, Card)]
        parts = [*(card.reads or () for card in cards), *(hdu.reads or () for hdu in hdus)]
        object.__setattr__(
            self, "reads", tuple(dict.fromkeys(one for part in parts for one in part))
        )
        object.__setattr__(self, "origins", origins)

    def with_origins(self, origins: Origins) -> FileType:
        """Return the file type with what tells where its lines come from."""
        return FileType(self.name, *self.hdus, format=FORMAT, origins=origins)

    def generate(self, *inputs: object, **parameters: object) -> HDUList:
        """Make a file and return it opened.

        Parameters
        ----------
        *inputs : path, bytes or mapping
            One FITS file at most, and data files; `{"name": path}` names a further FITS file.
        **parameters : object
            What `param` gives in the template.

        Returns
        -------
        astropy.io.fits.HDUList
            The file, in memory or in an unnamed temporary file.

        Raises
        ------
        InputError
            An input cannot be read.
        GenerateError
            A value or the data cannot be made; `problems` has every failure.

        """
        from fitsgen.runtime.convert import generate

        return generate(self, inputs, parameters)
