"""
A small TAP runner. A test is "async def test_name(t)"; its docstring says what
it shows. t.server(...) gives it a fresh server that must end clean, t.shared()
the one server that such tests of a run have in common.
"""

import asyncio
import fnmatch
import inspect
import os
import signal
import sys
import tempfile
import traceback

from .deadline import SCALE, SECONDS
from .server import Server, adopt_orphans


def deadline(seconds):
    """Another deadline for one test than the usual minute."""

    def mark(function):
        function.px_deadline = seconds
        return function

    return mark


class Context:
    def __init__(self, run, name):
        self._run, self.name = run, name
        self._servers, self._folders = [], []
        self.watched = []  # servers whose log is shown when the test fails

    async def server(self, *flags, **options):
        server = await Server.start(*flags, **options)
        self._servers.append(server)
        self.watched.append(server)
        return server

    async def shared(self, *flags, listen=("unix", "ws")):
        server = await self._run.shared(flags, listen)
        self.watched.append(server)
        return server

    async def connect(self, scheme=None, *flags, **options):
        """A connection to a fresh server that listens on 'scheme' alone."""
        scheme = scheme or "unix"
        server = await self.server(*flags, listen=(scheme,))
        return await server.connect(scheme, **options)

    def folder(self):
        """A new empty directory, removed after the test."""
        self._folders.append(tempfile.TemporaryDirectory(prefix="px-test-", ignore_cleanup_errors=True))
        return os.path.realpath(self._folders[-1].name)

    async def finish(self):
        """Stops the test's servers, each with its checks; the first failure is raised after all have stopped."""
        failures = []
        for server in self._servers:
            try:
                await server.stop()
            except Exception as failure:
                failures.append(failure)
        for folder in self._folders:
            folder.cleanup()
        if failures:
            raise failures[0]

    async def abandon(self):
        for server in self._servers:
            await server.kill()
        for folder in self._folders:
            folder.cleanup()


class Run:
    def __init__(self, tests, jobs):
        self._tests, self._jobs = tests, jobs
        self._shared, self._lock = {}, asyncio.Lock()
        self._done, self.failed = 0, 0

    async def shared(self, flags, listen):
        key = (tuple(map(str, flags)), tuple(listen))
        async with self._lock:
            server = self._shared.get(key)
            if server is None or server.process.returncode is not None:
                if server is not None:
                    await server.kill()
                server = self._shared[key] = await Server.start(*flags, listen=listen)
            return server

    def _report(self, name, failure=None, logs=()):
        self._done += 1
        self.failed += failure is not None
        print(f"{'not ok' if failure else 'ok'} {self._done} - {name}")
        sys.stdout.flush()
        if failure:
            # Not as comments: of a failed program meson shows what it said on stderr.
            print(f"{name}:\n" + "".join(traceback.format_exception(failure)), file=sys.stderr, flush=True)
            for server in logs:
                print(f"log of server {server.pid}:", *server.log_text(), sep="\n  ", file=sys.stderr, flush=True)

    async def _one(self, name, function):
        context = Context(self, name)
        seconds = getattr(function, "px_deadline", 3 * SECONDS) * SCALE
        try:
            try:
                await asyncio.wait_for(function(context), seconds)
            except asyncio.TimeoutError:
                raise AssertionError(f"the test took longer than {seconds:g} s") from None
            await context.finish()
        except Exception as failure:
            try:
                await context.abandon()
            finally:
                self._report(name, failure, context.watched)
        else:
            self._report(name)

    async def go(self):
        print("TAP version 13")
        print(f"1..{len(self._tests) + 1}")
        gate = asyncio.Semaphore(self._jobs)

        async def gated(name, function):
            async with gate:
                await self._one(name, function)

        await asyncio.gather(*(gated(name, function) for name, function in self._tests))
        await self._one("shared servers end clean", self._end_shared)

    async def _end_shared(self, context):
        context.watched = list(self._shared.values())
        for server in self._shared.values():
            await server.stop()


def discover(namespace):
    """The tests of a module in source order: [(name, function)]."""
    found = [(name[len("test_"):].replace("_", "-"), thing) for name, thing in namespace.items()
             if name.startswith("test_") and inspect.iscoroutinefunction(thing)]
    return sorted(found, key=lambda pair: pair[1].__code__.co_firstlineno)


def main(tests, argv=None, jobs=1):
    """
    Runs 'tests' (a list as from discover(), or a module's namespace). Arguments
    are names or shell patterns of tests to run; --list prints the names.
    """
    argv = sys.argv[1:] if argv is None else argv
    tests = discover(tests) if isinstance(tests, dict) else tests
    if "--list" in argv:
        print("\n".join(name for name, _ in tests))
        return 0
    if argv:
        tests = [test for test in tests if any(fnmatch.fnmatch(test[0], wanted) for wanted in argv)]
        if not tests:
            print(f"Bail out! no test is named {' or '.join(argv)}")
            return 2
    adopt_orphans()
    # Ignored, as nohup(1) has it, it would be so in every program of the tests.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

    async def go():
        run = Run(tests, jobs)
        await run.go()
        return run.failed

    return 1 if asyncio.run(go()) else 0
