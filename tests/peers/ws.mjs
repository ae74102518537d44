// The server as the "ws" package of npm sees it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { test as nodeTest } from 'node:test';
import { WebSocket } from 'ws';
import { child, Client, pattern, Server, Session } from './peer.mjs';

const test = (name, body) => nodeTest(name, { timeout: 60_000 }, body);
const PTY = { pty: { rows: 24, cols: 80 } };
const NO_INPUT = { pipe: { stdin: 'closed' } };
const INPUT = { pipe: { stdin: 'open' } };
const BIG = 20_000_000;
const sha = (data) => createHash('sha256').update(data).digest('hex');

/** The status of a handshake that is refused. */
async function refusal(server, options) {
  const ws = new WebSocket(server.url, options);
  const [, response] = await once(ws, 'unexpected-response');
  response.resume();
  return response.statusCode;
}

test('v1: a terminal with input and new sizes', async (t) => {
  const client = await Client.v1(await Server.start(t));
  assert.equal(client.hello.protocolVersion, 'exec-server.v1');
  const lines = await Session.start(client, [child(), 'echo-lines'], PTY);
  await lines.until('ready');
  for (const line of ['hello', 'grüße', '']) {
    assert.deepEqual(await lines.write(`${line}\n`), { accepted: true });
    await lines.until(`echo:${line}\r\n`);
  }
  assert.deepEqual(await lines.request('closeStdin'), {});
  assert.equal((await lines.untilClosed()).exitCode, 0);

  const size = await Session.start(client, [child(), 'size'], PTY);
  await size.until('24x80\r\n');
  for (const [rows, cols] of [[50, 132], [1, 1], [65535, 65535]]) {
    assert.deepEqual(await size.request('resize', { rows, cols }), {});
    await size.until(`${rows}x${cols}\r\n`);
  }
  assert.deepEqual(await size.request('terminate', { mode: 'force' }), { running: true });
  const exited = await size.untilClosed();
  assert.deepEqual([exited.exitCode, exited.signal, exited.cause], [137, 'KILL', 'client']);
  assert.equal((await client.close(1000)).code, 1000);
});

test('v0: a terminal, an exit and an error', async (t) => {
  const client = await Client.connect(await Server.start(t));
  assert.deepEqual(await client.request('initialize', { clientName: 'peer' }), { protocolVersion: 'exec-server.v0' });
  const early = await client.ask('command/exec', {});
  assert.deepEqual([early.error.code, early.error.message], [-32600, 'client must send initialized before using exec methods']);
  client.notify('initialized');
  const params = { argv: [child(), 'echo-lines'], cwd: '/', env: {}, tty: true };
  assert.deepEqual(await client.request('command/exec', params), { sessionId: 'session-1' });
  let text = '';
  const until = async (wanted) => {
    while (!text.includes(wanted)) {
      const { method, params: delta } = await client.next();
      assert.deepEqual([method, delta.sessionId, delta.stream], ['command/exec/outputDelta', 'session-1', 'stdout']);
      text += Buffer.from(delta.chunk, 'base64');
    }
  };
  await until('ready');
  const write = { sessionId: 'session-1', chunk: Buffer.from('hello\n\x04').toString('base64') };
  assert.deepEqual(await client.request('command/exec/write', write), { accepted: true });
  await until('echo:hello\r\n');
  const last = await client.next();
  assert.deepEqual(last, { method: 'command/exec/exited', params: { sessionId: 'session-1', exitCode: 0 } });
  assert.deepEqual(await client.request('command/exec/terminate', { sessionId: 'session-1' }), { running: false });
  await client.close();
});

test('20 MB come byte for byte', async (t) => {
  const client = await Client.v1(await Server.start(t));
  const session = await Session.start(client, [child(), 'spew', String(BIG)], NO_INPUT);
  assert.equal((await session.untilClosed()).exitCode, 0);
  assert.equal(session.size, BIG);
  assert.equal(sha(session.data()), sha(pattern(BIG)));
  await client.close();
});

test('a reader that stops and goes on misses nothing', async (t) => {
  const highWater = 1 << 20;
  const server = await Server.start(t, '--outbound-high-water-bytes', String(highWater));
  const client = await Client.v1(server);
  const session = await Session.start(client, [child(), 'spew', String(BIG)], NO_INPUT);
  client.ws.pause();
  // Beyond the mark the server stops; the kernel may still take of it, and down to the half it goes on.
  while ((await server.metric('ptyexec_outbound_queue_bytes')) <= highWater / 2);
  assert.equal(session.exited, undefined);
  const other = await Client.v1(server);
  for (let i = 0; i < 50; i++) {
    await other.request('server/info');
    assert.ok((await server.metric('ptyexec_outbound_queue_bytes')) < 2 * highWater, 'the queue grows without end');
  }
  await other.close();
  client.ws.resume();
  assert.equal((await session.untilClosed()).exitCode, 0);
  assert.equal(sha(session.data()), sha(pattern(BIG)));
  await client.close();
});

test('messages in fragments and in binary', async (t) => {
  const client = await Client.connect(await Server.start(t));
  const cut = (pieces, options) => (text) => {
    const data = Buffer.from(text);
    for (let i = 0; i < pieces; i++) {
      const piece = data.subarray(Math.floor((data.length * i) / pieces), Math.floor((data.length * (i + 1)) / pieces));
      client.ws.send(piece, { fin: i === pieces - 1, ...options });
      if (i % 7 === 3) client.ws.ping('between');
    }
  };
  const forms = [cut(1, { binary: true }), cut(2, { binary: false }), cut(2, { binary: true }), cut(50, { binary: false }),
    cut(500, { binary: true })];
  client.transmit = forms[0];
  await client.request('initialize', { clientName: 'grüße \u{1f600}', protocolVersion: 'exec-server.v1' });
  const session = await Session.start(client, [child(), 'echo'], INPUT);
  let sent = '';
  for (const form of forms) {
    client.transmit = form;
    const line = `${'ä'.repeat(3000)}\n`;
    sent += line;
    await session.write(line);
  }
  await session.request('closeStdin');
  await session.untilClosed();
  assert.equal(session.text(), sent);
  await client.close();
});

test('pings are answered with their payload, in order', async (t) => {
  const client = await Client.v1(await Server.start(t));
  const payloads = ['', 'x', 'y'.repeat(125)];
  const pongs = new Promise((resolve) => {
    const seen = [];
    client.ws.on('pong', (data) => {
      seen.push(data.toString());
      if (seen.length === payloads.length) resolve(seen);
    });
  });
  payloads.forEach((payload) => client.ws.ping(payload));
  assert.deepEqual(await pongs, payloads);
  await client.close();
});

test('close codes', async (t) => {
  const server = await Server.start(t, '--max-message-bytes', '100K');
  for (const code of [1000, 1001, 1011, 3000, 4999]) {
    const client = await Client.v1(server);
    client.ws.close(code, 'good bye');
    assert.equal((await client.closed).code, code);
  }
  const without = await Client.v1(server);
  assert.equal((await without.close()).code, 1005);

  const notText = await Client.v1(server);
  notText.ws.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false });
  assert.equal((await notText.closed).code, 1007);

  const tooBig = await Client.v1(server);
  tooBig.ws.send('x'.repeat(100 * 1024 + 1));
  assert.equal((await tooBig.closed).code, 1009);

  const early = await Client.connect(server);
  early.notify('initialized');
  assert.equal((await early.closed).code, 1002);

  const last = await Client.v1(server);
  server.process.kill('SIGTERM');
  assert.equal((await last.closed).code, 1001);
});

test('silence instead of initialize is closed with 1008', async (t) => {
  const client = await Client.connect(await Server.start(t, '--initialize-timeout-ms', '200'));
  assert.equal((await client.closed).code, 1008);
});

test('compression is offered and not taken up', async (t) => {
  const client = await Client.v1(await Server.start(t), {}, { perMessageDeflate: { threshold: 0 } });
  assert.equal(client.ws.extensions, '');
  assert.equal(client.ws.protocol, '');
  const session = await Session.start(client, [child(), 'echo'], INPUT);
  const text = 'compressible '.repeat(10_000);
  await session.write(text);
  await session.request('closeStdin');
  await session.untilClosed();
  assert.equal(session.text(), text);
  await client.close();
});

test('an Origin is refused unless it is listed', async (t) => {
  const server = await Server.start(t, '--allow-origin', 'https://good.example');
  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1', 'http://good.example', 'https://good.example:444']) {
    assert.equal(await refusal(server, { origin }), 403, origin);
  }
  const client = await Client.v1(server, {}, { origin: 'https://good.example' });
  await client.close();
});

test('a Host of elsewhere and other paths are refused', async (t) => {
  const server = await Server.start(t);
  assert.equal(await refusal(server, { headers: { Host: 'evil.example' } }), 403);
  assert.equal(await refusal({ url: `${server.url}/elsewhere` }, {}), 404);
  assert.equal((await fetch(server.url.replace('ws:', 'http:'))).status, 404);
  assert.equal((await fetch(`${server.url.replace('ws:', 'http:')}/healthz`)).status, 200);
});

test('100 connections at once, each with a session of its own', async (t) => {
  const server = await Server.start(t);
  const one = async (i) => {
    const client = await Client.v1(server);
    const session = await Session.start(client, [child(), 'echo'], INPUT);
    const text = `connection ${i}\n`.repeat(1000);
    await session.write(text);
    await session.request('closeStdin');
    await session.untilClosed();
    assert.equal(session.text(), text);
    assert.deepEqual((await client.request('process/list')).sessions.map((row) => row.sessionId), [session.id]);
    return client;
  };
  const clients = await Promise.all(Array.from({ length: 100 }, (_, i) => one(i)));
  assert.equal((await clients[0].request('server/info')).counts.connections, 100);
  assert.deepEqual([...new Set((await Promise.all(clients.map((client) => client.close(1000)))).map(({ code }) => code))], [1000]);
});
