"""XML files, and XML inside zip archives, read so that a hostile file can do no harm.

In: a path. Out: a `Document`, whose elements know the lines they begin on; or one
`InputError` that names the file and, where it is known, the line. Nothing is unpacked
to disk, nothing else is opened, and a file beyond the limits below is refused before
it costs two seconds.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any, cast
from xml.etree import ElementTree

from fitsgen.diagnostics import InputError, Position, Problem, Source

if TYPE_CHECKING:
    from zipfile import ZipFile

# The XML of the largest observing programs has some MB and some 100,000 elements.
MAX_BYTES = 32 * 2**20
MAX_ELEMENTS = 200_000
MAX_ATTRIBUTES = 200_000
MAX_DEPTH = 200
# A schema has some hundreds; each new one takes the parser as long as ten known ones.
MAX_NAMES = 10_000
# The parser writes a namespace before every name, and names stand in messages.
MAX_NAME = 250
# An archive also holds attachments, which are not read.
MAX_ARCHIVE = 64 * 2**20
MAX_ENTRIES = 1000
# The text of a proposal shrinks to a tenth or a thirtieth; what is small does no harm.
MAX_RATIO = 200
HARMLESS = 2**20

_MAX_LISTED = 5
_MAX_SHOWN = 80
_ENTRY_SIGNATURE = b"PK\1\2"
_ENCRYPTED = 0x0001 | 0x0040


class Element(ElementTree.Element):
    """An element that knows the line it begins on, counted from 1."""

    __slots__ = ("line",)
    line: int

    @property
    def name(self) -> str:
        """The name without its namespace."""
        return local_name(self)

    @property
    def children(self) -> list[Element]:
        """The elements directly inside this one."""
        return cast("list[Element]", list(self))


@dataclass(frozen=True, slots=True)
class Document:
    """An XML document: its root, where it is from, and the prefixes of its namespaces."""

    root: Element
    source: Source
    prefixes: Mapping[str, str]

    def at(self, element: Element) -> Position:
        """Return where an element begins."""
        return Position(self.source, element.line)


def local_name(element: ElementTree.Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def cut(text: str) -> str:
    """Return a text as it may stand in a message: not longer than a line."""
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def shown(name: str) -> str:
    """Return a name in quotes, as it may stand in a message."""
    return repr(cut(name))


def climbs(path: str) -> bool:
    """Whether a path is absolute or has `..` in it, on this or any other system."""
    windows = PureWindowsPath(path)  # takes / and \ for separators
    return bool(windows.drive or windows.root or ".." in windows.parts)


def read_xml(path: str) -> Document:
    """Read an XML file.

    Raises
    ------
    InputError
        It cannot be read, is beyond the limits, is not well-formed, or has a document
        type: entities and other documents are never loaded (Extensible Markup
        Language 1.0, section 4).

    """
    return parse(_content(path), Source(path))


def read_xml_or_zip(path: str) -> Document:
    """Read an XML file, or the XML file in a zip archive that is named like the archive.

    Raises
    ------
    InputError
        As `read_xml`; or the archive is damaged, has no such file or two of a name,
        or is made to do harm.

    """
    content = _content(path)
    if not content.startswith(b"PK"):
        return parse(content, Source(path))
    wanted = f"{Path(path).stem}.xml"
    text = _unzipped(content, wanted, Source(path))
    return parse(text, Source(f"{path}/{wanted}"))


def parse(text: bytes, source: Source) -> Document:
    """Parse XML, in the encoding that it declares; raises as `read_xml`."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, XMLParser

    _check_amount(text, source)
    builder = _Builder(source)
    parser = XMLParser(target=builder, forbid_dtd=True)
    builder.expat = parser.parser
    try:
        # In one piece: expat before 2.6 reads a long token anew with every piece.
        parser.feed(text)
        root = parser.close()
    except ParseError as error:
        line, column = error.position
        message = f"the XML is wrong: {cut(str(error).partition(': line ')[0])}"
        raise _error(Position(source, line, column + 1), message) from None
    except DefusedXmlException:
        message = "has a document type (DTD): refused, for it may hold entities"
        raise _error(builder.position, message, "remove the <!DOCTYPE ...>") from None
    except (LookupError, ValueError) as error:
        raise _error(Position(source, 1), f"the XML is wrong: {cut(str(error))}") from None
    return Document(root, source, builder.prefixes)


class _Builder(ElementTree.TreeBuilder):
    """What the parser tells of the elements to; it counts them."""

    expat: Any

    def __init__(self, source: Source) -> None:
        super().__init__(element_factory=Element)
        self.prefixes: dict[str, str] = {}
        self._source = source
        self._count = self._depth = 0
        self._names: set[str] = set()

    @property
    def position(self) -> Position:
        return Position(self._source, self.expat.CurrentLineNumber)

    def start_ns(self, prefix: str, uri: str) -> None:
        if len(uri) > MAX_NAME:
            raise self._refused(f"a namespace of more than {MAX_NAME} characters")
        self.prefixes.setdefault(prefix, uri)

    def start(self, tag: str, attributes: dict[str, str], /) -> ElementTree.Element:
        self._count += 1
        self._depth += 1
        self._names.add(tag)
        if self._count > MAX_ELEMENTS:
            raise self._refused(f"more than {MAX_ELEMENTS:,} elements")
        if self._depth > MAX_DEPTH:
            raise self._refused(f"elements more than {MAX_DEPTH} deep")
        if len(self._names) > MAX_NAMES:
            raise self._refused(f"elements of more than {MAX_NAMES:,} names")
        if len(tag) > 2 * MAX_NAME:
            raise self._refused(f"a name of more than {MAX_NAME} characters")
        element = cast(Element, super().start(tag, attributes))
        element.line = self.expat.CurrentLineNumber
        return element

    def end(self, tag: str, /) -> ElementTree.Element:
        self._depth -= 1
        return super().end(tag)

    def _refused(self, what: str) -> InputError:
        return _error(self.position, f"has {what}: refused")


def _check_amount(text: bytes, source: Source) -> None:
    """Refuse what would take long, before it is parsed.

    Every encoding that expat reads has these bytes in each such character.
    """
    if len(text) > MAX_BYTES:
        raise _error(Position(source), f"has more than {MAX_BYTES // 2**20} MiB of XML: refused")
    # Most elements have a start and an end.
    if text.count(b"<") > 2 * MAX_ELEMENTS:
        raise _error(Position(source), f"has more than {MAX_ELEMENTS:,} elements: refused")
    if text.count(b"=") > MAX_ATTRIBUTES:
        raise _error(Position(source), f"has more than {MAX_ATTRIBUTES:,} attributes: refused")


def _content(path: str) -> bytes:
    position = Position(Source(path))
    try:
        # Looked at before it is opened: opening a FIFO waits for ever.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise _error(position, "not a regular file")
        with open(path, "rb") as file:
            content = file.read(MAX_ARCHIVE + 1)
    except OSError as error:
        raise _error(position, f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # A path with a NUL in it.
        raise _error(position, f"cannot be read: {error}") from None
    if len(content) > MAX_ARCHIVE:
        raise _error(position, f"is larger than {MAX_ARCHIVE // 2**20} MiB: refused")
    return content


def _unzipped(content: bytes, wanted: str, source: Source) -> bytes:
    import zlib
    from struct import error as StructError  # noqa: N812 - an exception with a small name
    from zipfile import BadZipFile, ZipFile

    # Counted before the archive is opened, which makes an object of every entry.
    if content.count(_ENTRY_SIGNATURE) > MAX_ENTRIES:
        raise _error(Position(source), f"has more than {MAX_ENTRIES} files: refused")
    try:
        with ZipFile(BytesIO(content)) as archive:
            return _entry(archive, wanted, Position(source))
    except (
        *(BadZipFile, zlib.error, StructError, EOFError),
        *(NotImplementedError, RuntimeError, ValueError, OverflowError, OSError),
    ) as error:
        message = f"the zip archive is damaged: {cut(str(error))}"
        raise _error(Position(source), message) from None


def _entry(archive: ZipFile, wanted: str, position: Position) -> bytes:
    """Return the file of an archive that has a name; nothing of it is written anywhere."""
    from zipfile import ZIP_DEFLATED, ZIP_STORED

    _check_names([entry.orig_filename for entry in archive.infolist()], wanted, position)
    entry = archive.getinfo(wanted)
    if entry.flag_bits & _ENCRYPTED:
        raise _error(position, f"{wanted} is encrypted", "give the archive without a password")
    # Others may ask for gigabytes of memory before the first byte.
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise _error(position, f"{wanted} is compressed by a method other than deflate")
    packed, size = entry.compress_size, entry.file_size
    if size > MAX_BYTES or size > max(HARMLESS, MAX_RATIO * packed):
        message = f"{wanted} unpacks from {packed:,} to {size:,} bytes: refused"
        raise _error(position, message, "where you trust it, unzip it and give the XML file")
    with archive.open(entry) as file:
        return file.read(MAX_BYTES)


def _check_names(names: list[str], wanted: str, position: Position) -> None:
    """Refuse names that lead out of the archive, two of one name, and an archive of other things.

    Each entry is looked at: one that is never read tells as well what the archive is for.
    """
    for name, count in Counter(names).items():
        if climbs(name):
            raise _error(position, f"holds {shown(name)}, a path that leads out of the archive")
        if "\0" in name:
            raise _error(position, f"holds {shown(name)}, a name with a NUL in it")
        if count > 1:
            raise _error(position, f"holds {count} files of the name {shown(name)}")
    if wanted not in names:
        found = [name for name in names if name.lower().endswith(".xml")] or names
        listed = ", ".join(map(shown, found[:_MAX_LISTED])) or "nothing"
        more = ", ..." if len(found) > _MAX_LISTED else ""
        hint = f"an APT proposal holds an XML file of its own name; this holds {listed}{more}"
        raise _error(position, f"is a zip archive without {wanted}", hint)


def _error(position: Position, message: str, hint: str = "") -> InputError:
    return InputError(Problem(message, position, hint))
