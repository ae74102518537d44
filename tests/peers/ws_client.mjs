// The client's side of our WebSocket as the server of npm's "ws" package sees it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { test as nodeTest } from 'node:test';
import { WebSocketServer } from 'ws';
import { binary } from './peer.mjs';

const test = (name, body) => nodeTest(name, { timeout: 60_000 }, body);

/** A server with one client of ours, which sends back what it gets; 'ended' is what it prints at last. */
async function start(t, options = {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 1 << 30, ...options });
  t.after(() => new Promise((resolve) => { server.close(resolve); server.clients.forEach((ws) => ws.terminate()); }));
  await once(server, 'listening');
  const connected = once(server, 'connection');
  const ended = new Promise((resolve, reject) => {
    execFile(binary('PX_WS_CLIENT'), [`ws://127.0.0.1:${server.address().port}/path?query`], (error, stdout, stderr) => {
      if (error) reject(new Error(`${error}: ${stderr}`));
      else resolve(stdout.trim());
    });
  });
  return { connected, ended };
}

/** Sends and awaits the same. */
async function echo(ws, data, options = {}) {
  const answer = once(ws, 'message');
  ws.send(data, options);
  const [got, isBinary] = await answer;
  assert.equal(isBinary, false);
  assert.ok(got.equals(Buffer.from(data)), `${data.length} bytes came back otherwise`);
}

test('the request', async (t) => {
  const { connected, ended } = await start(t, { perMessageDeflate: true });
  const [ws, request] = await connected;
  assert.equal(request.url, '/path?query');
  assert.equal(request.headers.host, `127.0.0.1:${request.socket.localPort}`);
  assert.equal(ws.extensions, '');
  assert.equal(ws.protocol, '');
  ws.close();
  assert.equal(await ended, 'the server closed the connection');
});

test('messages of all sizes', async (t) => {
  const { connected, ended } = await start(t);
  const [ws] = await connected;
  for (const size of [0, 1, 125, 126, 127, 65535, 65536, 65537, 1_000_001, 64 << 20]) await echo(ws, 'x'.repeat(size));
  await echo(ws, 'grüße \u{1f600}');
  await echo(ws, Buffer.from('binary'), { binary: true });
  ws.close(1000);
  assert.equal((await once(ws, 'close'))[0], 1000);
  assert.equal(await ended, 'the server closed the connection with code 1000');
});

test('fragments with pings between them', async (t) => {
  const { connected, ended } = await start(t);
  const [ws] = await connected;
  const pongs = [];
  ws.on('pong', (data) => pongs.push(data.toString()));
  const text = Buffer.from('ä'.repeat(1000));
  const answer = once(ws, 'message');
  for (let i = 0; i < text.length; i += 7) {
    ws.send(text.subarray(i, i + 7), { binary: false, fin: i + 7 >= text.length });
    ws.ping(String(i));
  }
  assert.ok((await answer)[0].equals(text));
  while (pongs.length < Math.ceil(text.length / 7)) await once(ws, 'pong');
  assert.deepEqual(pongs, Array.from(pongs, (_, i) => String(7 * i)));
  ws.close(4000, 'enough');
  assert.equal((await once(ws, 'close'))[0], 4000);
  assert.equal(await ended, 'the server closed the connection with code 4000: enough');
});

test('many at once', async (t) => {
  const { connected, ended } = await start(t);
  const [ws] = await connected;
  const got = [];
  ws.on('message', (data) => got.push(data.toString()));
  for (let i = 0; i < 10_000; i++) ws.send(String(i));
  while (got.length < 10_000) await once(ws, 'message');
  assert.deepEqual(got, Array.from(got, (_, i) => String(i)));
  ws.terminate();
  assert.equal(await ended, 'the connection to the server was lost');
});

test('text that is none', async (t) => {
  const { connected, ended } = await start(t);
  const [ws] = await connected;
  const closed = once(ws, 'close');
  ws.send(Buffer.from([0xff]), { binary: false });
  assert.equal((await closed)[0], 1007);
  assert.equal(await ended, 'it breaks the protocol: text message is not UTF-8');
});

test('a refusal', async (t) => {
  const { ended } = await start(t, { verifyClient: (_, done) => done(false, 403, 'not you') });
  assert.match(await ended, /^ws:\/\/127\.0\.0\.1:\d+\/path does not open a WebSocket: HTTP 403 Forbidden: not you$/);
});
