// A server to run and a client on somebody else's WebSocket implementation, for the tests beside this file.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

export const binary = (name) => process.env[name] ?? assert.fail(`${name} must name a program`);
export const child = () => binary('PX_CHILD');

/** Bytes of the puppet's "spew"; tests/child.c and tests/lib/px/pattern.py make the same. */
export function pattern(size) {
  const period = 65521;
  const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');
  const block = Buffer.alloc(period);
  for (let i = 0; i < period; i++) {
    const x = Math.imul(i, 2654435761) >>> 0;
    block[i] = alphabet[(x ^ (x >>> 15)) >>> 26];
  }
  return Buffer.alloc(size, block);
}

export class Server {
  /** Runs a server of the test's own, which must end in order when the test has ended. */
  static async start(t, ...flags) {
    const server = new Server();
    const wrapper = (process.env.PTYEXECD_WRAPPER ?? '').split(' ').filter(Boolean);
    const [command, ...args] = [...wrapper, binary('PTYEXECD'), '--listen', 'ws://127.0.0.1:0', ...flags];
    server.process = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    server.ended = once(server.process, 'exit');
    server.log = [];
    server.url = await new Promise((resolve, reject) => {
      const lines = createInterface({ input: server.process.stderr });
      lines.on('line', (line) => {
        server.log.push(line);
        const found = /ptyexecd listening on (\S+)$/.exec(line);
        if (found) resolve(found[1]);
      });
      lines.on('close', () => reject(new Error(`the server did not start: ${server.log.join(' | ')}`)));
    });
    t.after(() => server.stop());
    return server;
  }

  async stop() {
    this.process.kill('SIGTERM');
    assert.deepEqual(await this.ended, [0, null], this.log.join('\n'));
  }

  /** A number of /metrics. */
  async metric(name) {
    const answer = await fetch(`${this.url.replace('ws:', 'http:')}/metrics`);
    assert.equal(answer.status, 200);
    const line = (await answer.text()).split('\n').find((one) => one.startsWith(`${name} `));
    return Number(line.split(' ')[1]);
  }
}

export class Client {
  /** Connects; 'options' are those of ws. */
  static async connect(server, options = {}) {
    const client = new Client();
    client.ws = new WebSocket(server.url, options);
    client.pending = new Map();
    client.inbox = [];
    client.waiting = [];
    client.nextId = 1;
    client.closed = new Promise((resolve) => {
      client.ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    client.ws.on('message', (data, isBinary) => {
      assert.equal(isBinary, false, 'the server sent a binary message');
      client.take(JSON.parse(data.toString()));
    });
    await once(client.ws, 'open');
    return client;
  }

  static async v1(server, params = {}, options = {}) {
    const client = await Client.connect(server, options);
    client.hello = await client.request('initialize', { clientName: 'peer', protocolVersion: 'exec-server.v1', ...params });
    return client;
  }

  take(message) {
    if (message.method === undefined) {
      this.pending.get(message.id)(message);
      this.pending.delete(message.id);
      return;
    }
    this.inbox.push(message);
    this.waiting.splice(0).forEach((wake) => wake());
  }

  /** How a message leaves; tests put their own in its place. */
  transmit(text) {
    this.ws.send(text);
  }

  ask(method, params = {}) {
    const id = this.nextId++;
    const answer = new Promise((resolve) => this.pending.set(id, resolve));
    this.transmit(JSON.stringify({ id, method, params }));
    return answer;
  }

  async request(method, params) {
    const answer = await this.ask(method, params);
    assert.equal(answer.error, undefined, `${method}: ${JSON.stringify(answer.error)}`);
    return answer.result;
  }

  notify(method) {
    this.transmit(JSON.stringify({ method }));
  }

  /** The next notification, whatever it is. */
  async next() {
    while (this.inbox.length === 0) await new Promise((wake) => this.waiting.push(wake));
    return this.inbox.shift();
  }

  async close(code) {
    this.ws.close(code);
    return this.closed;
  }
}

/** A session of exec-server.v1, whose numbers and offsets must have no hole. */
export class Session {
  static async start(client, argv, io) {
    const session = new Session();
    session.client = client;
    session.chunks = [];
    session.size = 0;
    session.seq = 0;
    const started = await client.request('process/start', { direct: { argv }, io });
    session.id = started.sessionId;
    assert.deepEqual(await client.next(), { method: 'process/started', params: { sessionId: session.id, pid: started.pid } });
    return session;
  }

  request(verb, params = {}) {
    return this.client.request(`process/${verb}`, { sessionId: this.id, ...params });
  }

  write(data) {
    return this.request('write', { chunk: Buffer.from(data).toString('base64') });
  }

  /** Takes one notification; false at the last. */
  async turn() {
    const { method, params } = await this.client.next();
    assert.equal(params.sessionId, this.id);
    assert.equal(params.seq, ++this.seq);
    if (method === 'process/outputDelta') {
      const chunk = Buffer.from(params.chunk, 'base64');
      assert.equal(params.offset, this.size);
      assert.equal(chunk.toString('base64'), params.chunk);
      this.chunks.push(chunk);
      this.size += chunk.length;
    } else if (method === 'process/exited') {
      this.exited = params;
    } else {
      assert.equal(method, 'process/closed');
    }
    return method !== 'process/closed';
  }

  data() {
    return Buffer.concat(this.chunks);
  }

  async until(text) {
    while (!this.data().includes(text)) assert.ok(await this.turn(), `closed before ${text}: ${this.data()}`);
  }

  async untilClosed() {
    while (await this.turn());
    return this.exited;
  }
}
