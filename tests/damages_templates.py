"""Damaged templates."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from damages import TEMPLATE, Damage, Make, all_of, changed, refused, unharmed, written

CHECK = "check t.gen.txt"


def template(content: bytes | str) -> Make:
    return written("t.gen.txt", content)


def value(text: str) -> Make:
    """Write a template whose third line, in column 12, has an expression."""
    return template(f"<<file t>>\n<<header p>>\nA        = {text}\n")


def chain(levels: int, last: str, twice: bool = False) -> Make:
    """Write includes, each of which includes the next, once or twice."""

    def make(directory: Path) -> None:
        for level in range(levels):
            line = f'#include "{level + 1}.gen.inc"\n'
            (directory / f"{level}.gen.inc").write_text(line * (1 + twice))
        (directory / f"{levels}.gen.inc").write_text(last)
        value('1\n#include "0.gen.inc"')(directory)

    return make


def include(make: Callable[[Path], object]) -> Make:
    """Put something in the place of an include."""

    def both(directory: Path) -> None:
        value('1\n#include "i.gen.inc"')(directory)
        make(directory / "i.gen.inc")

    return both


def refused_check(make: Make, *says: str) -> Damage:
    return refused(make, *says, command=CHECK)


DAMAGES: dict[str, Damage] = {
    "latin-1": refused_check(
        template(TEMPLATE.encode() + b"/ \xe9\n"), "t.gen.txt:9:3: error: ", "0xE9"
    ),
    "UTF-16": refused_check(
        template(TEMPLATE.encode("utf-16")), "t.gen.txt:1:1: error: ", "not UTF-8"
    ),
    "UTF-16 without a mark": refused_check(
        template(TEMPLATE.encode("utf-16-le")), "t.gen.txt:1:2: error: a NUL", "UTF-16"
    ),
    "a NUL": refused_check(value("'a\0b'"), "t.gen.txt:3:14: error: a NUL"),
    "a byte order mark": unharmed(changed("t.gen.txt", lambda c: b"\xef\xbb\xbf" + c)),
    "line ends of two bytes": unharmed(changed("t.gen.txt", lambda c: c.replace(b"\n", b"\r\n"))),
    "line ends of a carriage return": refused_check(
        changed("t.gen.txt", lambda c: c.replace(b"\n", b"\r")), "t.gen.txt:1:", "error: "
    ),
    "a line separator of Unicode": refused_check(value("1\u2028B = 2"), "t.gen.txt:3:", "error: "),
    "text that runs backwards": refused_check(value("'\u202e abc'"), "t.gen.txt:3:", "error: "),
    "cut in a multibyte character": refused_check(
        template("<<file t>>\n<<header p>>\n# é".encode()[:-1]), "t.gen.txt:3:3: error: ", "0xC3"
    ),
    "empty": refused_check(template(""), "t.gen.txt", "error: the template has no file line"),
    "a FITS file": refused(
        lambda d: None, "in.fits: error: no template, but FITS", command="check ./in.fits"
    ),
    "noise": refused_check(template(bytes(range(256)) * 40), "t.gen.txt:", "error: "),
    "described": refused(
        template(TEMPLATE.replace("header primary", "header")),
        "t.gen.txt:2:1: error: ",
        command="describe t.gen.txt",
    ),
    "compiled": refused(
        template(TEMPLATE.encode() + b"/ \xe9\n"),
        "t.gen.txt:9:3: error: ",
        command="compile t.gen.txt",
    ),
    "shown": refused(
        template(TEMPLATE.encode() + b"/ \xe9\n"),
        "t.gen.txt:9:3: error: ",
        command="show t.gen.txt",
    ),
    "a directory": refused(
        lambda d: (d / "dir.gen.txt").mkdir(),
        "dir.gen.txt: error: not a regular file",
        command="check dir.gen.txt",
    ),
    "a FIFO": refused(
        lambda d: os.mkfifo(d / "pipe.gen.txt"),
        "pipe.gen.txt: error: not a regular file",
        command="check pipe.gen.txt",
    ),
    "a device": refused(
        lambda d: (d / "dev.gen.txt").symlink_to("/dev/zero"),
        "dev.gen.txt: error: not a regular",
        command="check dev.gen.txt",
    ),
    "a link to itself": refused(
        lambda d: (d / "l.gen.txt").symlink_to("l.gen.txt"),
        "l.gen.txt: error: cannot be read",
        command="check l.gen.txt",
    ),
    "a FIFO as include": refused_check(
        include(os.mkfifo), "i.gen.inc: error: not a regular file", "t.gen.txt:4:1"
    ),
    "an include that is latin-1": refused_check(
        include(lambda p: p.write_bytes(b"B = '\xe9'\n")), "i.gen.inc:1:6: error: ", "t.gen.txt:4:1"
    ),
    "an include that includes itself": refused_check(
        include(lambda p: p.write_text('#include "i.gen.inc"\n')),
        "i.gen.inc:1:10: error: ",
        "itself",
    ),
    "a cycle of 60 includes": refused_check(
        chain(60, '#include "0.gen.inc"\n'), "60.gen.inc:1:10: error: ", "includes itself"
    ),
    "2,000 levels of includes": refused_check(
        chain(2000, "B = 1\n"), "63.gen.inc:1:10: error: ", "more than 64 levels"
    ),
    "2^20 includes": refused_check(
        chain(20, "B = 1\n", twice=True), "error: more than 10000 includes"
    ),
    "2^60 includes of nothing": refused_check(chain(60, "# nothing\n", twice=True), "error: "),
    "60,000 lines in two includes": refused_check(
        all_of(
            written("i.gen.inc", "\n" * 30_000),
            value('1\n#include "i.gen.inc"\n#include "i.gen.inc"'),
        ),
        "more than 50000 lines once its includes are in place",
    ),
    "a million lines": refused_check(
        value("1\n" + "A = 1\n" * 1_000_000), "t.gen.txt: error: too large", "50000 lines"
    ),
    "a line of 4 MB of text": refused_check(
        value("'" + "x" * 4_100_000 + "'"), "t.gen.txt:3:1: error: "
    ),
    "a line of 4 MB of digits": refused_check(value("9" * 4_100_000), "t.gen.txt:3:1: error: "),
    "a text over 49,000 lines": refused_check(
        value("'" + "x\\\n" * 49_000 + "'"), "t.gen.txt:3:", "error: "
    ),
    "90,000 open brackets": refused_check(
        value("(" * 90_000), "t.gen.txt:3:1: error: ", "brackets"
    ),
    "49,000 open brackets in data": refused_check(
        template("<<file t>>\n<<header p>>\n<<data>>\n" + "[\n" * 49_000), "t.gen.txt:", "error: "
    ),
    "1,900 nested brackets": refused_check(
        value("(" * 1900 + ")" * 1900), "t.gen.txt:3:", "error: "
    ),
    "10,000 signs": refused_check(value("-" * 10_000 + "1"), "t.gen.txt:3:", "error: "),
    "10,000 powers": refused_check(value("2" + "**2" * 10_000), "t.gen.txt:3:", "error: "),
    "10,000 attributes": refused_check(
        value("input" + ".data" * 10_000), "t.gen.txt:3:", "error: "
    ),
    "49,000 unclosed quotes": refused_check(
        template("<<file t>>\n<<header p>>\n" + "A = 'x\n" * 49_000),
        "t.gen.txt:3:5: error: ",
        "quote",
    ),
    "49,000 faulty lines": refused_check(
        template("<<file t>>\n<<header p>>\n" + "(\n" * 49_000), "t.gen.txt:3:1: error: "
    ),
    "30,000 unknown names": refused_check(
        template("<<file t>>\n<<header p>>\n" + "".join(f"K{i} = n{i}\n" for i in range(30_000))),
        "t.gen.txt:3:",
        "error: ",
    ),
    "30,000 headers": refused_check(
        template("<<file t>>\n" + "".join(f"<<header h{i}>>\n" for i in range(30_000)) + "A = (\n"),
        "error: ",
    ),
    "a template of verification cut short": refused(
        all_of(written("t.val.txt", '<<file t>>\n<<inherit "no.val'), lambda d: None),
        "t.val.txt:2:",
        "error: ",
        command="check t.val.txt",
    ),
}

TEMPLATES = {f"template: {name}": damage for name, damage in DAMAGES.items()}
