// A server to run and a client on somebody else's WebSocket implementation, for the tests beside this file.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { Client as WebClient } from './client.mjs';

export { Session } from './client.mjs';

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

export class Client extends WebClient {
  /** Connects; 'options' are those of ws. */
  static connect(server, options = {}) {
    return Client.on(new WebSocket(server.url, options));
  }

  static async v1(server, params = {}, options = {}) {
    const client = await Client.connect(server, options);
    await client.initialize(params);
    return client;
  }
}
