"""Spliced lines to the model: lines are grouped into HDUs and expressions are parsed.

In: the lines of a template with its includes. Out: a `FileType`, as whole as
the template allows, and the problems of structure and of Python syntax.
"""

from __future__ import annotations

import dataclasses
import difflib
import keyword as python
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from fitsgen.check.python_syntax import parse_expression
from fitsgen.diagnostics import Position, Problem
from fitsgen.model import HDU, Blank, Card, Expression, FileType, Heading, Item
from fitsgen.syntax import nodes
from fitsgen.syntax.includes import Line
from fitsgen.syntax.nodes import Logical, Span, logical

SECTIONS = ("file", "header", "data")
INHERIT = 'write <<inherit "other.val.txt">>'
BROKEN_SECTION = "a section line is <<file NAME>>, <<header NAME>> or <<data>>"
_RESERVED_COLON = re.compile(r"[A-Z0-9_-]{1,8}[ \t]*:")


@dataclass
class _Section:
    """An HDU while its lines are gathered."""

    name: str
    position: Position
    items: list[Item] = field(default_factory=list)
    data_at: Position | None = None
    pieces: list[Logical] = field(default_factory=list)


def build(
    lines: Iterable[Line], start: Position, loose: str | None = None
) -> tuple[FileType, list[Problem]]:
    """Group the lines of a template into HDUs.

    Parameters
    ----------
    lines
        What is left of the template once its includes are in place.
    start
        Where the file begins.
    loose
        The name of the section of cards that stand in none, as data files
        have them; in a template (None) there are no such cards.

    """
    return _built(_Builder(start, loose), lines)


def build_rules(lines: Iterable[Line], start: Position) -> tuple[FileType, list[Problem]]:
    """Group the lines of a verification template, those of inherited ones before its own."""
    return _built(_RulesBuilder(start, None), lines)


def _built(builder: _Builder, lines: Iterable[Line]) -> tuple[FileType, list[Problem]]:
    for line in lines:
        builder.add(line)
    return builder.finish(), builder.problems


class _Builder:
    """Groups lines into HDUs, one line after the other."""

    def __init__(self, start: Position, loose: str | None) -> None:
        self.start = start
        self.loose = loose
        self.problems: list[Problem] = []
        self.name = ""
        self.file_at: Position | None = None
        self.sections: list[_Section] = []
        self.names: dict[str, Position] = {}
        self.complained = False
        self.ignoring = False  # the lines of a section that should not be there

    def add(self, line: Line) -> None:
        section = self.sections[-1] if self.sections else None
        match line.node:
            case nodes.Section(word=word, argument=argument):
                self.ignoring = False
                self.section(word, argument, line.position())
            case nodes.Include():
                message = "<<inherit>> belongs in a verification template (.val.txt)"
                self.report(message, line.position())
            case nodes.Directive():
                word = line.tree.text[line.node.span.start :].split(None, 1)[0]
                self.report(f"{word} is reserved for a later version", line.position())
            case _ if self.ignoring:
                pass
            case nodes.Blank() if section is None or section.data_at:
                pass
            case _ if section is None and self.loose is not None and self.file_at:
                self.sections.append(_Section(self.loose, line.position()))
                self.add(line)
            case _ if section is None:
                self.homeless(line)
            case _ if section.data_at:
                section.pieces.append(logical(line.tree, line.node.span, line.chain))
            case _:
                section.items += self.item(line)

    def finish(self) -> FileType:
        if self.file_at is None:
            hint = "write <<file NAME>> as its first line"
            self.report("the template has no file line", self.start, hint)
        elif not self.sections and not self.problems and self.loose is None:
            hint = "write <<header primary>>"
            self.report("the file type has no HDU", self.file_at, hint)
        hdus = tuple(map(self.hdu, self.sections))
        return FileType(self.name, hdus, self.file_at or self.start)

    def report(self, message: str, position: Position, hint: str = "") -> None:
        self.problems.append(Problem(message, position, hint))

    def homeless(self, line: Line) -> None:
        """Complain, once, about a line that stands before the first header section."""
        if not self.complained:
            message, hint = "this line stands in no header section", ""
            if line.tree.text.startswith("<<", line.node.span.start):
                message = BROKEN_SECTION
            else:
                hint = "header lines and data belong after <<header NAME>>"
            self.report(message, line.position(), hint)
        self.complained = True

    def section(self, word: str, argument: str, at: Position) -> None:
        match word:
            case "file":
                self.file_line(argument, at)
            case "header":
                if self.is_name(argument, "header", at):
                    self.unique(argument, at)
                self.sections.append(_Section(argument, at))
            case "data":
                self.data_section(argument, at)
            case "inherit":
                self.report("<<inherit>> needs a path in quotes", at, INHERIT)
            case _:
                near = difflib.get_close_matches(word.lower(), SECTIONS, 1)
                hint = f"did you mean <<{near[0]}>>?" if near else "there are file, header and data"
                self.report(f"there is no section <<{word}>>", at, hint)
                if near:  # so that the lines after it are not complained of
                    self.section(near[0], argument, at)

    def file_line(self, name: str, at: Position) -> None:
        if self.file_at:
            self.report(f"a second file line; the first is at {self.file_at}", at)
            return
        if self.sections or self.complained:
            self.report("the file line comes first", at)
        self.file_at = at
        if self.is_name(name, "file", at):
            self.name = name

    def is_name(self, name: str, word: str, at: Position) -> bool:
        if not name:
            self.report(f"<<{word}>> needs a name", at, f"write <<{word} NAME>>")
        elif python.iskeyword(name):
            self.report(f"{name!r} cannot be a name: it is a word of Python", at)
        elif not (name.isidentifier() and name.isascii()):
            hint = "letters, digits and _, not beginning with a digit"
            self.report(f"{name!r} is no name", at, hint)
        else:
            return True
        return False

    def unique(self, name: str, at: Position) -> None:
        first = self.names.setdefault(name, at)
        if first is not at:
            self.report(f"a second <<header {name}>>; the first is at {first}", at)

    def data_section(self, argument: str, at: Position) -> None:
        if argument:
            self.report("<<data>> takes no name", at)
        if not self.sections:
            self.report("<<data>> comes after the header section of its HDU", at)
        elif first := self.sections[-1].data_at:
            self.report(f"a second <<data>> for this HDU; the first is at {first}", at)
            self.ignoring = True
        else:
            self.sections[-1].data_at = at

    def item(self, line: Line) -> list[Item]:
        """Turn a line of a header section into what it stands for."""
        match line.node:
            case nodes.Card() as card:
                return self.card(line, card)
            case nodes.Heading(span):
                text = self.comment(line, span)
                return [Heading(text, line.position()) if text else Blank(line.position())]
            case nodes.Piece(span):
                self.not_a_card(line, line.tree.text[span.start : span.end])
                return []
        return [Blank(line.position())]

    def card(self, line: Line, node: nodes.Card) -> list[Item]:
        keyword = logical(line.tree, node.keyword).text
        keyword = " ".join(keyword.split())
        if not node.closed:
            self.unclosed(line, node)
            return []
        expression = None
        if node.value:
            expression = self.parse(logical(line.tree, node.value, line.chain))
            if expression is None:
                return []
        comment = self.comment(line, node.comment) if node.comment else ""
        return [Card(keyword, expression, comment, node.optional, line.position())]

    def parse(self, text: Logical) -> Expression | None:
        whole = dataclasses.replace(text, text=text.text.rstrip())
        expression, problems = parse_expression(whole)
        self.problems += problems
        return expression

    def unclosed(self, line: Line, node: nodes.Card) -> None:
        if node.value is None:
            return
        # Python's parser knows which of several open brackets is the one.
        _, problems = parse_expression(logical(line.tree, node.value, line.chain))
        self.problems += problems

    def comment(self, line: Line, span: Span) -> str:
        """Return the text after the slash; what FITS cannot hold is a problem at its place."""
        text = logical(line.tree, span, line.chain)
        for offset, character in enumerate(text.text):
            if not " " <= character <= "~" and character != "\t":
                message = f"{character!r} cannot stand in a FITS header"
                hint = "only printable ASCII characters can"
                self.report(message, text.position(offset), hint)
                break
        return text.text[1:].strip().replace("\t", " ")

    def not_a_card(self, line: Line, text: str) -> None:
        hint = "a header line is KEYWORD = expression / comment"
        if text.startswith("<<"):
            message, hint = BROKEN_SECTION, ""
        elif _RESERVED_COLON.match(text):
            message = "a colon after a keyword is reserved for declared types and units"
        elif re.match(r"[A-Z0-9_-]+( +[A-Z0-9_-]+)+ *\??=", text):
            message = "a keyword has no blanks"
            hint = "long keywords are written HIERARCH ESO DET ID = ..."
        elif re.match(r"[A-Z0-9_-]+\s*$", text):
            message, hint = "a keyword without =", f"write {text.strip()} = to leave it undefined"
        else:
            message = "this is no header line"
        self.report(message, line.position(), hint)

    def hdu(self, section: _Section) -> HDU:
        full = [i for i, item in enumerate(section.items) if not isinstance(item, Blank)]
        items = section.items[full[0] : full[-1] + 1] if full else []
        data = self.parse(_joined(section.pieces)) if section.pieces else None
        return HDU(section.name, tuple(items), data, section.position)


class _RulesBuilder(_Builder):
    """Groups lines into HDUs; those of one HDU may stand in several places."""

    def section(self, word: str, argument: str, at: Position) -> None:
        match word:
            case "file" if at.chain and self.file_at:
                pass  # that of an inherited template
            case "header" if found := [s for s in self.sections if s.name == argument]:
                self.sections.remove(found[0])
                self.sections.append(found[0])
            case "data":
                self.report("a verification template has no data section", at)
                self.ignoring = True
            case _:
                super().section(word, argument, at)


def _joined(pieces: list[Logical]) -> Logical:
    """Join the pieces of a data expression by line breaks, as Python would read them."""
    parts = []
    length = 0
    for piece in pieces:
        parts += [(length + start, tree, origin) for start, tree, origin in piece.parts]
        length += len(piece.text) + 1
    text = "\n".join(piece.text for piece in pieces)
    return Logical(text, tuple(parts), pieces[0].chain)
