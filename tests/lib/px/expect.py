"""
Comparing a message with what a golden dialogue expects. The form is described
in protocol/README.md, "Golden dialogues".
"""

import base64
import re


class Mismatch(AssertionError):
    """Where and why a message is not what was expected."""


_KINDS = {
    "any": lambda v: True,
    "string": lambda v: isinstance(v, str),
    "int": lambda v: type(v) is int,
    "positive": lambda v: type(v) is int and v > 0,
    "bool": lambda v: isinstance(v, bool),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
    "hex": lambda v: isinstance(v, str) and re.fullmatch("[0-9a-f]+", v) is not None,
}
_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _value(name, variables):
    if name not in variables:
        raise Mismatch(f"${{{name}}} is not known here")
    return variables[name]


def fill(value, variables):
    """
    A value of a dialogue as it goes over the wire: "${name}" put in, "$base64:"
    encoded, "$times:" repeated, "$$" made "$".
    """
    if isinstance(value, list):
        return [fill(one, variables) for one in value]
    if isinstance(value, dict):
        return {fill(name, variables): fill(one, variables) for name, one in value.items()}
    if not isinstance(value, str):
        return value
    whole = _NAME.fullmatch(value)
    if whole:
        return _value(whole.group(1), variables)
    text = _NAME.sub(lambda m: str(_value(m.group(1), variables)), value)
    if text.startswith("$base64:"):
        return base64.b64encode(text[len("$base64:"):].encode()).decode()
    if text.startswith("$times:"):
        count, what = text[len("$times:"):].split(":", 1)
        return what * int(count)
    return text[1:] if text.startswith("$$") else text


def match(want, got, variables, path=""):
    """Raises Mismatch unless 'got' is as 'want' says; stores captures in 'variables'."""
    where = path or "the message"
    if isinstance(want, str) and want.startswith("$") and not want.startswith("$$"):
        if _match_placeholder(want, got, variables, where):
            return
    want_kind, got_kind = type(want), type(got)
    if isinstance(want, str):
        want = fill(want, variables)
        want_kind = type(want)
    if want_kind is not got_kind:
        raise Mismatch(f"{where}: expected {want!r}, got {got!r}")
    if isinstance(want, dict):
        _match_object(want, got, variables, path)
    elif isinstance(want, list):
        if len(want) != len(got):
            raise Mismatch(f"{where}: expected {len(want)} elements, got {len(got)}: {got!r}")
        for i, one in enumerate(want):
            match(one, got[i], variables, f"{path}[{i}]")
    elif want != got:
        raise Mismatch(f"{where}: expected {want!r}, got {got!r}")


def _match_placeholder(want, got, variables, where):
    """True when 'want' was a placeholder and 'got' fits it; False when it is text to fill in."""
    if want.startswith("$="):
        name, _, kind = want[2:].partition(":")
        match("$" + (kind or "any"), got, variables, where)
        variables[name] = got
        return True
    if want.startswith("$match:"):
        pattern = _NAME.sub(lambda m: re.escape(str(_value(m.group(1), variables))), want[len("$match:"):])
        if not isinstance(got, str) or re.fullmatch(pattern, got, re.DOTALL) is None:
            raise Mismatch(f"{where}: expected a string like {pattern!r}, got {got!r}")
        return True
    if want.startswith(("${", "$base64:", "$times:")):
        return False
    test = _KINDS.get(want[1:])
    if test is None:
        raise Mismatch(f"{where}: no such placeholder: {want}")
    if not test(got):
        raise Mismatch(f"{where}: expected {want}, got {got!r}")
    return True


def _match_object(want, got, variables, path):
    open_ended = want.get("$more") is True
    for name, one in want.items():
        if name == "$more":
            continue
        if name not in got:
            raise Mismatch(f"{path or 'the message'}: member {name!r} is missing in {got!r}")
        match(one, got[name], variables, f"{path}.{name}" if path else name)
    extra = [name for name in got if name not in want]
    if extra and not open_ended:
        raise Mismatch(f"{path or 'the message'}: unexpected members {extra} in {got!r}")
