#!/usr/bin/python3
"""Finds calls that this project does not make: tests/lint/banned.py FILE.c...

Prints "file:line: the call and what to use" for each; exit status 1 if any.
"""

import re
import sys

BANNED = {
    "strcpy": "strlcpy()",
    "strncpy": "strlcpy()",
    "strcat": "strlcat() or an evbuffer",
    "strncat": "strlcat() or an evbuffer",
    "sprintf": "snprintf()",
    "vsprintf": "vsnprintf()",
    "strtok": "strsep()",
    "gets": "fgets()",
    "system": "fork() and execve()",
    "popen": "fork() and execve()",
    "atoi": "strtonum()",
    "atol": "strtonum()",
    "atoll": "strtonum()",
    "atof": "strtod() with checks",
    "alloca": "px_alloc()",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
NOT_CODE = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.DOTALL | re.VERBOSE
)


def code_only(text):
    """'text' without comments and literals, its lines where they were."""
    return NOT_CODE.sub(lambda match: "\n" * match[0].count("\n") + " ", text)


def main(paths):
    bad = 0
    for path in paths:
        with open(path, encoding="utf-8") as file:
            code = code_only(file.read())
        for number, line in enumerate(code.splitlines(), 1):
            for match in CALL.finditer(line):
                print(f"{path}:{number}: {match[1]}(): use {BANNED[match[1]]}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
