#!/usr/bin/python3
"""Counts test results: tests/count.py LOG.json...

Meson counts programs, and takes one that prints nothing for skipped. This reads
the TAP of each program from Meson's logs (one JSON object per line), counts the
single tests, and adds a failure for every program that did not end as it should,
whatever it printed before. The last line is "N passed, N failed, N skipped".
The exit status is 0 when nothing failed; with CI=true a skip fails as well.
"""

import json
import os
import re
import signal
import sys

RESULT = re.compile(
    r"(?P<indent> *)(?P<verdict>ok|not ok)\b *(?P<number>\d+)?(?: -)? *(?P<name>.*?)"
    r"(?: *# *(?P<directive>skip|todo)\b[: ]*(?P<reason>.*))?$",
    re.IGNORECASE,
)
PLAN = re.compile(r"1\.\.(\d+)(?: *# *(?P<skip>skip)\b[: ]*(?P<reason>.*))?", re.IGNORECASE)


class Tap:
    """One program's TAP. A test with subtests counts as its subtests."""

    def __init__(self, text):
        self.plan = None
        self.bail_out = None
        self.top_level = 0
        self.results = []  # (verdict, name); verdict is "passed", "failed" or "skipped"
        by_indent = {}  # results that no enclosing test has claimed yet
        in_yaml = False
        for line in text.splitlines():
            if in_yaml or line.strip() == "---":
                in_yaml = line.strip() != "..."
            elif line.startswith("Bail out!"):
                self.bail_out = line[len("Bail out!"):].strip() or "no reason given"
            elif match := PLAN.match(line):
                self.plan = int(match[1])
                if self.plan == 0 and match["skip"]:
                    self.results.append(("skipped", match["reason"]))
            elif match := RESULT.match(line):
                self.add(match, by_indent)
        for results in by_indent.values():
            self.results += results

    def add(self, match, by_indent):
        indent = len(match["indent"])
        self.top_level += indent == 0
        verdict = "passed" if match["verdict"].lower() == "ok" else "failed"
        name = match["name"]
        if match["directive"]:
            # A test marked "todo" says nothing about the program, whichever way it went.
            verdict = "skipped"
            name += f" ({match['reason'] or match['directive'].lower()})"
        subtests = []
        for deeper in [i for i in by_indent if i > indent]:
            subtests += by_indent.pop(deeper)
        explained = any(v == "failed" for v, _ in subtests)
        if not subtests or (verdict == "failed" and not explained):
            subtests.append((verdict, name))
        by_indent.setdefault(indent, []).extend(subtests)


def fault(record, tap):
    """Why the program as a whole counts as failed, or None."""
    status = record["returncode"]
    if record["result"] == "TIMEOUT":
        return "timed out"
    if status < 0:
        return f"killed by {signal.strsignal(-status) or -status}"
    if tap.bail_out:
        return f"bailed out: {tap.bail_out}"
    if tap.plan is None:
        return f"printed no plan (exit status {status})"
    if tap.plan != tap.top_level:
        return f"planned {tap.plan} tests, ran {tap.top_level} (exit status {status})"
    if not tap.results:
        return "has no tests"
    if any(verdict == "failed" for verdict, _ in tap.results):
        return None
    if status != 0:
        return f"exit status {status} after tests that passed"
    if record["result"] not in ("OK", "SKIP"):
        return f"result {record['result']}"
    return None


def main(logs):
    count = {"passed": 0, "failed": 0, "skipped": 0}

    def add(verdict, program, text):
        count[verdict] += 1
        if verdict != "passed":
            print(f"{verdict}: {program}: {text}")

    for log in logs:
        try:
            with open(log, encoding="utf-8") as lines:
                records = [json.loads(line) for line in lines]
        except FileNotFoundError:
            records = []
        if not records:
            add("failed", log, "no test was run")
        for record in records:
            tap = Tap(record["stdout"])
            for verdict, name in tap.results:
                add(verdict, record["name"], name)
            if reason := fault(record, tap):
                add("failed", record["name"], reason)

    skip_fails = os.environ.get("CI") == "true" and count["skipped"] > 0
    if skip_fails:
        print("with CI=true a skipped test is a failure")
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**count))
    return 1 if count["failed"] or skip_fails else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
