"""Comparing what two servers answered, member by member, and holding the differences against a list."""

import fnmatch
import json
import re
from collections import namedtuple

Difference = namedtuple("Difference", "case label member theirs ours")
MISSING = "-"


def kind_of(value):
    """An answer in a word or two, when the two are not of the same kind."""
    if not isinstance(value, dict):
        return None
    if "error" in value:
        return f"error {value['error'].get('code')}"
    if "result" in value:
        return "result"
    return "ended" if value.get("ended") else None


def flat(value, name=""):
    """Every member at its path."""
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from flat(member, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value:
        for i, member in enumerate(value):
            yield from flat(member, f"{name}[{i}]")
    else:
        yield name or "value", json.dumps(value, ensure_ascii=False)


def text_of(value):
    return value["error"]["message"] if isinstance(value, dict) and "error" in value else json.dumps(value)[:200]


def compare(case, theirs, ours):
    """The differences between {label: value} of the one and of the other."""
    for label in dict.fromkeys([*theirs, *ours]):
        a, b = theirs.get(label, MISSING), ours.get(label, MISSING)
        if kind_of(a) != kind_of(b) or MISSING in (a, b):
            yield Difference(case, label, "answer", f"{kind_of(a) or a}: {text_of(a)}",
                             f"{kind_of(b) or b}: {text_of(b)}")
            continue
        a, b = dict(flat(a)), dict(flat(b))
        for member in dict.fromkeys([*a, *b]):
            if a.get(member, MISSING) != b.get(member, MISSING):
                yield Difference(case, label, member, a.get(member, MISSING), b.get(member, MISSING))


class Row:
    """
    A difference that may be: where it may show ("case: label" and a member, as
    shell patterns), what either side says there (as expressions), and the
    words that begin its row in protocol/codex.md.
    """

    def __init__(self, where, member, theirs, ours, row):
        self.where, self.member = where, member
        self.theirs, self.ours = re.compile(theirs, re.DOTALL), re.compile(ours, re.DOTALL)
        self.row, self.shown = row, 0

    def fits(self, d):
        return (fnmatch.fnmatchcase(f"{d.case}: {d.label}", self.where) and fnmatch.fnmatchcase(d.member, self.member)
                and self.theirs.fullmatch(d.theirs) is not None and self.ours.fullmatch(d.ours) is not None)

    def __str__(self):
        return f"{self.where} | {self.member} | {self.theirs.pattern} | {self.ours.pattern}"


def unlisted(differences, rows):
    """Those that no row explains; marks the rows that explain one."""
    left = []
    for difference in differences:
        fitting = next((row for row in rows if row.fits(difference)), None)
        if fitting is None:
            left.append(difference)
        else:
            fitting.shown += 1
    return left


def reasons(text):
    """The first column of the table of differences at the end of protocol/codex.md."""
    table = text.partition("## Where we differ")[2]
    return [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")][1:]
