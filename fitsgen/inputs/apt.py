"""A proposal of the Astronomer's Proposal Tool to a source, in which paths are looked up.

In: an `.aptx` archive, or the XML of one. Out: `AptProposal`, whose lookups give text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from fitsgen.inputs.sources import HDUKey
from fitsgen.inputs.xml import Document, local_name, read_xml_or_zip

MAX_PATH = 400

_NAME = r"[^\W\d][\w.-]*"
_QUOTED = r"'[^']*'|\"[^\"]*\""
_STEP = rf"(?:\.\.?|\*|(?:\{{[^{{}}]*\}}|{_NAME}:)?{_NAME})(?:\[(?:[^\]'\"]|{_QUOTED})*\])*"
_PATH = re.compile(rf"/{{0,2}}{_STEP}(?://?{_STEP})*")
# What has no namespace to be filled in, and names, which have.
_TOKEN = re.compile(
    rf"(?P<kept>{_QUOTED}|@[^\]=!\s]+|last\(\)|\{{[^{{}}]*\}}{_NAME})"
    rf"|(?:(?P<prefix>{_NAME}):)?(?P<name>{_NAME})"
)
_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}")


@dataclass(frozen=True, slots=True)
class AptProposal:
    """The XML of a proposal as a source: a keyword is a path, and there are no HDUs."""

    document: Document

    def find(self, keyword: str, hdu: HDUKey) -> tuple[bool, object]:
        """Return whether a path leads to an element, and the text of the first such element.

        Parameters
        ----------
        keyword
            A path of ElementTree's XPath, relative to the root, or from the root's own
            name where it begins with a slash. A name without a prefix is of any
            namespace; a prefix is one that the proposal declares.
        hdu
            Of no meaning: a proposal has no HDUs.

        Returns
        -------
        tuple
            Where there is an element: its text without blanks around it; without a
            text, the name of its first child element; without one, ''.

        Raises
        ------
        ValueError
            The path is none.

        """
        element = self._element(keyword)
        if element is None:
            return False, None
        # What stands between children is in their tails, and is blank in a proposal.
        text = (element.text or "").strip()
        return True, text or next(map(local_name, element), "")

    def hdu(self, key: HDUKey) -> None:
        """Raise: a proposal has elements and no HDUs."""
        raise LookupError("an APT proposal has no HDUs; write apt('./path')")

    def __len__(self) -> int:
        return 0

    def _element(self, path: str) -> ElementTree.Element | None:
        start: ElementTree.Element = self.document.root
        clark = to_clark(path, self.document.prefixes)
        if clark.startswith("/"):
            start = ElementTree.Element("document")
            start.append(self.document.root)
            clark = f".{clark}"
        try:
            return start.find(clark)
        # ElementTree's way to say that a predicate is wrong.
        except (SyntaxError, LookupError, TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{path!r} is no path that can be followed: {error}") from None


def read_apt(path: str) -> AptProposal:
    """Read a proposal, zipped or plain; raises InputError where it cannot be read."""
    return AptProposal(read_xml_or_zip(path))


def to_clark(path: str, prefixes: Mapping[str, str]) -> str:
    """Return a path with a namespace before each name, as `{uri}name`, or `{*}name` for any.

    Raises
    ------
    ValueError
        It is no path; or it looks like the keyword of a card, which is what a lookup
        without a path asks for.

    """
    if _KEYWORD.fullmatch(path):
        raise ValueError(f"apt needs the path of an element, such as './{path}'")
    if len(path) > MAX_PATH or not _PATH.fullmatch(path):
        shown = path if len(path) <= MAX_PATH else f"{path[:20]}..."
        raise ValueError(
            f"{shown!r} is no path of elements, such as './a/b', './/b', '/root/a' or './a[2]'"
        )

    def qualified(token: re.Match[str]) -> str:
        kept, prefix, name = token["kept"], token["prefix"], token["name"]
        # A prefix that this proposal does not declare is of an instrument that it does not use.
        return kept or f"{{{prefixes.get(prefix, prefix) if prefix else '*'}}}{name}"

    return _TOKEN.sub(qualified, path)
