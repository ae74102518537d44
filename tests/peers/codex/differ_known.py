"""The differences that are meant: where, what either side says, and the row of protocol/codex.md that gives the reason."""

from differ_compare import Row

ANY = r".*"
OURS_ONLY = ("-", ANY)
THEIRS_ONLY = (ANY, "-")

WORDS = "an error is told"
BEFORE = "before `initialize`"
LARGE = "numbers of 2^63"
NULL = "`null` is wrong"
OBJECT = "a word may be an object"
HANDLES = "a 129th handle"
CLOSED = "a handle whose reading"
HOST = "a URI with a host"
READINGS = "`file:a`"
LONG = "a path of more than"
UNFOLLOWED = "`followSymlinks: false`"
SOCKET = "a socket is"
WATCH = "of a dangling link"
NAMES = "empty names and names with"
ARGV = "an empty `argv[0]`"
TTY_EXIT = "1 for a program on a terminal"
TAKEN = "a session whose connection seems alive"
NEXT = "`nextSeq` with"
INFO = "`environmentInfo` has"
LATER = "`http/request`"
HTTP = "HTTP 400"
CLOSE = "protocol violations"
FRAME = "a frame of up to 16 MiB"
STRICT = "a frame's length"
RESPONSE = "a response without `id`"

# What serde, base64, the url crate, musl and the server itself say of what is wrong, with our own words for it.
THEIR_WORDS = (
    r'"(missing field|invalid (type|value|length|number)|unknown variant|Invalid (padding|symbol|last symbol|input length)|fs/writeFile requires'
    r"|invalid URI:|unsupported path URI scheme|fragments are not|query parameters are not|cwd URI|'file:.*' is invalid on 'linux'|(\w+) must not be empty|TOML paths must"
    r'|argv must not|fs/copy |path (contains|is not|must name)|File name too long|Filename too long|Symbolic link loop|Unable to spawn|.* \(os error \d+\)'
    r'|failed to parse (websocket )?JSON-RPC message from exec-server (websocket|stdio)|file (read|write) range).*"'
)

ROWS = [
    # What is told of an error.
    Row("*", "*error.data.*", "-", ANY, WORDS),
    Row("* early: before initialize*", "*", ANY, r'(error -32600: |")Not initialized"?', BEFORE),
    Row("*: after it*", "error.message", r'"client must call initialize before .*"', '"Not initialized"', BEFORE),
    Row("* early: before initialized*", "answer", "error -32602: .*",
        r"error -32601: exec-server stub does not implement `(http/request|capabilit.*)` yet", LATER),
    Row("*", "*error.message", THEIR_WORDS, r'".+"', WORDS),
    # Parameters.
    Row("*: 2^6[34]", "answer", ANY, "error -32602: .*must be an integer from.*", LARGE),
    Row("process/start pipeStdin: null", "answer", "error -32602: .*", "result: .*", NULL),
    Row("fs/walk options.pruneHiddenDirectories: null", "answer", "error -32602: .*", "result: .*", NULL),
    Row("fs/open mode: null", "answer", "error -32602: .*", "result: .*", NULL),
    Row("initialize resumeSessionId: missing", "result.*", ANY, ANY, "`resumeSessionId` may be missing"),
    Row('signals: signal {"interrupt": null}', "answer", "result: .*", "error -32602: .*", OBJECT),
    # URIs.
    Row("uri *", "answer", "error -32600: 'file:.*' is invalid on 'linux'", "error -32602: .*it names a host", HOST),
    Row("uri 'file:///[cC][:|]/a': *", "answer", "error -3260[02]: .*", "(result|error -32004|error -32603): .*", HOST),
    Row("uri *", "answer", ANY,
        "error -32602: .*(encoded slash|a backslash|without two hexa|path is not absolute|control character|does not begin with file:|a space at its end).*", READINGS),
    Row("uri 'file://$/%*': tree", "*%*", '""', "-", READINGS),
    # Files.
    Row("*a path too long*: answer", "answer", "error -32(603|004): .*|result: .*",
        "error -32602: .*longer than a path can be", LONG),
    Row("fs/createDirectory unfollowed a path too long: *", "*", ANY, ANY, LONG),
    Row("* unfollowed *", "answer", "error -32603: .*", "(error -32600: .*contains a symbolic link|result: .*)",
        UNFOLLOWED),
    Row("fs/remove unfollowed *: tree", "*", ANY, "-|{}", UNFOLLOWED),
    Row("fs/remove unfollowed *", "error.message", '"recursive no-follow removal is unsupported"', ANY, UNFOLLOWED),
    Row("fs/getMetadata unfollowed *", "result.createdAtMs", '"[$]MS"', "0", "`createdAtMs` is told"),
    Row("* a socket: answer", "answer", "error -32603: No such device or address .*", "error -32600: .*is not a file",
        SOCKET),
    Row("fs/copy a file* to *: tree", "file", '"100644 0 "', '"100644 7 content"', "copying a file onto itself"),
    Row("fs/copy through nothing and back* to *: tree", "file", '"100644 0 "', '"100644 7 content"',
        "copying a file onto itself"),
    # Handles and watches.
    Row("handles: many 12[89]", "answer", "error -32600: at most 128 .*", "error -32603: more than 128 .*", HANDLES),
    Row("handles: handle *", "answer", "error -32600: file handle ID must not exceed 32 bytes",
        "result: .*|error -32602: .*1024 bytes", HANDLES),
    Row("handles: handle *", "answer", "result: .*", "error -32602: .*NUL", NAMES),
    Row("blocks read: * at 92*", "answer", "error -32004: unknown file handle .*", "error -32600: file read range .*",
        CLOSED),
    Row("watch answers: *", "answer", "result: .*", "error -32603: .*", WATCH),
    Row("watch answers: *", "result.watching", "false", "true", WATCH),
    # What is started.
    Row("command * with *: start p", "answer", "(result|error -32603): .*",
        'error -32602: "env" must not hold .* name.*', NAMES),
    Row("environment *: start p", "answer", "result: .*", 'error -32602: "envPolicy.set" must not hold .* name.*',
        NAMES),
    Row("command * with *: *", "answer", ANY, "(-|result|error -32600: unknown process id p|error -32600).*", NAMES),
    Row("environment *no name*: events of p", "answer", ANY, "-.*", NAMES),
    Row("environment *a name with =*: events of p", "answer", ANY, "-.*", NAMES),
    Row("command *: start p", "answer", "error -32603: .*nul byte.*", "error -32602: .*NUL", ARGV),
    Row("command *: start p", "answer", "error -32603: missing program .*",
        r"error -32602: argv\[0\] must not be empty", ARGV),
    Row("identifiers: *", "answer", ANY, "(error -3260[02]: (\"processId\" must|unknown process id).*|-.*)", NAMES),
    Row("identifiers: write *", "result.status", '"stdinClosed"', '"unknownProcess"', NAMES),
    Row("start with metadata: start", "answer", "error -32602: .*", "result: .*", "`metadata`"),
    Row("start with managed network: start", "answer", "result: .*", "error -32603: .*managed network.*",
        "`enforceManagedNetwork`"),
    Row("process/start tty: true", "answer", "error -32603: Unable to spawn .*", "result: .*",
        "on a terminal `argv[0]`"),
    Row("command tty without PATH: *", "answer", ANY, ANY, "on a terminal `argv[0]`"),
    Row("command tty called other: *", "answer", ANY, ANY, "on a terminal `argv[0]`"),
    Row("command * relative: *", "*streams.pty", '"script .*/[.]/a-script.*"', '"script [.]/a-script.*"',
        "on a terminal `argv[0]`"),
    Row("command a-script with an empty PATH: *", "*streams.stdout", r'"script a-script\\n"',
        r'"script ./a-script\\n"', "on a terminal `argv[0]`"),
    Row("sandbox of *", "answer", "error -32602: .*", "(result|error -32603|error -32004): .*",
        "a `sandbox` must be whole"),
    # What becomes of it.
    Row("typed: events of p", "streams.pty", ".* -iutf8.*", ".* iutf8.*", "a terminal without IUTF8"),
    Row("* tty: *", "*exitCode", "1", "1[2-9][0-9]", TTY_EXIT),
    Row("writing: too long an id", "answer", "result: .*", 'error -32602: "writeId" must have at most 128 bytes',
        NAMES),
    Row("writing: events of p", "streams.stdout", ".*eight.*", ".*seven.nend.*", NAMES),
    Row("writing: to c when it has gone", "answer", "error -32603: failed to write .*", "result: .*",
        "a write to an input that was shut"),
    Row("reading ended: *at most*", "nextSeq", "6", "8", NEXT),
    # Sessions.
    Row("sessions: resume what is attached", "answer", "error -32010: .*", "result: .*", TAKEN),
    Row("sessions: who resumed", "answer", "ended: .*", "result: .*", TAKEN),
    Row("*", "result*.capabilities.*", "(true|false)", "-", INFO),
    Row("*", "result*.executorVersion", *THEIRS_ONLY, INFO),
    Row("*", "result*.providerId", *THEIRS_ONLY, INFO),
    Row("*", "result*.prependPathDirs*", *THEIRS_ONLY, INFO),
    # The envelope.
    Row("message *: answers, fresh", "-1.*", *THEIRS_ONLY, BEFORE),
    Row("message *: answers, fresh", "null.*", *OURS_ONLY, BEFORE),
    Row("message *: answers, fresh", "a batch*", *OURS_ONLY, BEFORE),
    Row("message *: answers, fresh", "1.*", ANY, '-32600|1|"Not initialized"', BEFORE),
    Row("ending fresh *: answers", "1.error.*", ANY, '-32600|"Not initialized"', BEFORE),
    Row("ending fresh *: answers", "-1.*", *THEIRS_ONLY, BEFORE),
    Row("ending fresh *: answers", "null.*", *OURS_ONLY, BEFORE),
    Row("ending *: after it", "answer", "(error|result).*", "ended.*", RESPONSE),
    Row("ending *: answers", "-1.*", *THEIRS_ONLY, RESPONSE),
    Row("ending *: answers", "value", "-", "{}", RESPONSE),
    Row("message a trace that is none: *", "-1.*", *THEIRS_ONLY, RESPONSE),
    Row("message a trace that is none: *", "1.*", *OURS_ONLY, RESPONSE),
    # HTTP.
    Row("http upgrade of readyz: *", "value", '200|""', '404|"not found; .*"', HTTP),
    Row("http *: status", "value", "101", "400", STRICT),
    Row("http another host: *", "*", ANY, ANY, "any `Origin` is refused"),
    Row("http a short key: *", "*", ANY, ANY, STRICT),
    Row("http no host: *", "*", ANY, ANY, STRICT),
    Row("http *: status", "value", "400", "404|426", HTTP),
    Row("http *: status", "value", "405", "400|404", HTTP),
    Row("http *: status", "value", "404", "200|405|431", HTTP),
    Row("http *: status", "value", "426", "400", HTTP),
    Row("http *: body", "value", ANY, r'"[^"]+\\n"', HTTP),
    Row("http *: headers", "content-*", ANY, ANY, HTTP),
    Row("http *: headers", "connection", "-", ANY, HTTP),
    Row("http *: headers", "allow", "-", '"get,head"', HTTP),
    Row("http *: headers", "sec-websocket-version", "-", '"13"', HTTP),
    Row("http *: headers", "upgrade", "-", '"websocket"', HTTP),
    # Frames.
    Row("frames 17 MB in a frame: heard", "*", ANY, ANY, FRAME),
    Row("frames a*wide length: heard", "*", ANY, ANY, STRICT),
    Row("frames *: heard", "[01]*", '-|"ended"', '-|"close"|"ended"|10[0-9][0-9]|null', CLOSE),
]
