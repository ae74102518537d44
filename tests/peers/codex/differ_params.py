"""Every parameter of every method: missing, null, of each wrong type, at its edges; and params that are no object."""

import functools
import json

from differ_side import start_params

WALK = {"maxDepth": 3, "maxDirectories": 10, "maxEntries": 100, "followDirectorySymlinks": True,
        "pruneHiddenDirectories": True}
POLICY = {"inherit": "none", "ignoreDefaultExcludes": True, "exclude": [], "set": {}, "includeOnly": []}

# Params that are right; "$file" and the like become URIs of the case's folder.
GOOD = {
    "initialize": {"clientName": "x", "resumeSessionId": None},
    "environmentConfig/read": {"cwd": "$", "configPaths": [["a"]], "requirementsPaths": [["a"]]},
    "process/start": {"processId": "new", "argv": ["true"], "cwd": "$", "env": {}, "tty": False, "pipeStdin": False,
                      "arg0": "a", "envPolicy": POLICY},
    "process/read": {"processId": "p", "afterSeq": 0, "maxBytes": 100, "waitMs": 0},
    "process/write": {"processId": "p", "chunk": "YQ==", "writeId": "w"},
    "process/signal": {"processId": "gone", "signal": "interrupt"},
    "process/terminate": {"processId": "gone"},
    "fs/getMetadata": {"path": "$file"},
    "fs/canonicalize": {"path": "$file"},
    "fs/readFile": {"path": "$file"},
    "fs/writeFile": {"path": "$file", "dataBase64": "YQ=="},
    "fs/createDirectory": {"path": "$new", "recursive": True},
    "fs/remove": {"path": "$file", "recursive": True, "force": True},
    "fs/copy": {"sourcePath": "$file", "destinationPath": "$new", "recursive": False},
    "fs/readDirectory": {"path": "$empty"},
    "fs/walk": {"path": "$empty", "options": WALK},
    "fs/open": {"handleId": "new", "path": "$file", "mode": "read"},
    "fs/readBlock": {"handleId": "r", "offset": 0, "len": 4},
    "fs/writeBlock": {"handleId": "w", "offset": 0, "chunk": "YQ=="},
    "fs/close": {"handleId": "gone"},
    "fs/watchMissing": {"watchId": 5, "missing": ["$gone"], "present": "$file"},
}
BARE = ("environment/info", "environment/status")

OF_TYPE = {"null": None, "true": True, "a number": 7, "a negative": -1, "a fraction": 1.5, "2^53": 1 << 53,
           "2^63": 1 << 63, "2^64": 1 << 64, "a text": "x", "nothing": "", "an array": [], "an array of a number": [1],
           "an object": {}, "an object of a number": {"a": 1}}
PARAMS = {"missing": "", "null": "null", "true": "true", "a number": "1", "a text": '"x"', "an array": "[]",
          "an object": "{}", "an unknown member": '{"unknown":1}'}


def filled(value, side):
    """The value with "$name" as the URI of what is called so."""
    if isinstance(value, dict):
        return {name: filled(member, side) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(member, side) for member in value]
    return side.uri(value[1:]) if isinstance(value, str) and value.startswith("$") else value


async def prepared(side):
    """A connection with a process "p", the handles "r" and "w", and something in the folder."""
    with open(side.path("file"), "w", encoding="utf-8") as file:
        file.write("content")
    with open(side.path("written"), "w", encoding="utf-8"):
        pass
    with open(side.path("empty"), "w", encoding="utf-8"):
        pass
    talk = await side.talk()
    await talk.request("process/start", start_params(side, "p", "true"))
    await talk.ending("p")
    await talk.request("fs/open", {"handleId": "r", "path": side.uri("file")})
    await talk.request("fs/open", {"handleId": "w", "path": side.uri("written"), "mode": "replace"})
    return talk


def places(params, way=()):
    """The members of params, and those of the objects in it."""
    for name, value in params.items():
        yield (*way, name), value
        if isinstance(value, dict):
            yield from places(value, (*way, name))


def changed(params, way, value, absent=False):
    """A copy of params with another value at one place."""
    copy = json.loads(json.dumps(params))
    inner = copy
    for name in way[:-1]:
        inner = inner[name]
    inner[way[-1]] = value
    if absent:
        del inner[way[-1]]
    return copy


async def member(side, method, way):
    """One member of one method, with all that it may be; each on a connection that is as good as new."""
    talk = await prepared(side)
    for name, value in {"missing": None, **OF_TYPE}.items():
        params = changed(filled(GOOD[method], side), way, value, name == "missing")
        if method == "initialize":
            talk = await side.talk(initialize=False)
        if method == "process/start" and way != ("processId",):
            params["processId"] = f"p {name}"
        await talk.ask(method, params, label=name)
        await talk.request("fs/close", {"handleId": "new"})
        await talk.request("fs/close", {"handleId": value} if isinstance(value, str) else {"handleId": "new"})


async def shapes(side, method):
    """Params that are no object, or an empty one, or have members that nobody knows."""
    talk = await prepared(side)
    for name, text in PARAMS.items():
        if method == "initialize":
            talk = await side.talk(initialize=False)
        params = f',"params":{text}' if text else ""
        await talk.exchange(f"params: {name}", f'{{"id":1,"method":"{method}"{params}}}', 1)


async def early(side, method):
    """Before initialize, and before initialized."""
    params = filled(GOOD.get(method), side)
    talk = await side.talk(initialize=False)
    await talk.ask(method, params, label="before initialize")
    await talk.ask(method, {"path": 7, "processId": 7}, label="before initialize, params wrong")
    talk = await side.talk(initialize=False)
    await talk.request("initialize", {"clientName": "x", "resumeSessionId": None})
    await talk.ask(method, params, label="before initialized")
    await talk.ask(method, {"path": 7, "processId": 7}, label="before initialized, params wrong")


def cases():
    """[(name, function of a side)]"""
    found = []
    for method, params in GOOD.items():
        for way, _ in places(params):
            found.append((f"{method} {'.'.join(way)}", functools.partial(member, method=method, way=way)))
    for method in (*GOOD, *BARE):
        found.append((f"{method} shapes", functools.partial(shapes, method=method)))
    methods = [*GOOD, *BARE, "http/request", "capabilityRoots/discoverV1", "capabilities/discoverV2", "no/such"]
    found += [(f"{method} early", functools.partial(early,
                                                    method=method)) for method in methods if method != "initialize"]
    return found
