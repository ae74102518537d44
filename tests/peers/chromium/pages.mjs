// What the pages do, by the name in their address. They tell the site what they have seen.

import { check, Client, Session } from './client.mjs';

const about = Object.fromEntries(new URLSearchParams(location.search));
const hex = (data) => Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, '0')).join('');

function tell(what) {
  return fetch('/told', { method: 'POST', body: JSON.stringify(what) });
}

async function connected() {
  const client = await Client.on(new WebSocket(about.server));
  await client.initialize();
  return client;
}

const pages = {
  async terminal() {
    const client = await connected();
    const lines = await Session.start(client, [about.child, 'echo-lines'], { pty: { rows: 24, cols: 80 } });
    await lines.until('ready');
    await lines.write('grüße\n');
    await lines.until('echo:grüße\r\n');
    await lines.request('closeStdin');
    const { exitCode } = await lines.untilClosed();
    const { code, wasClean } = await client.close(1000);
    await tell({ exitCode, code, wasClean });
  },

  async flood() {
    const client = await connected();
    const session = await Session.start(client, [about.child, 'spew', about.bytes], { pipe: { stdin: 'closed' } });
    const { exitCode } = await session.untilClosed();
    await tell({ exitCode, sha256: hex(await crypto.subtle.digest('SHA-256', session.data())) });
  },

  async large() {
    const client = await connected();
    const session = await Session.start(client, [about.child, 'sink'], { pipe: { stdin: 'open' } });
    await session.write('x'.repeat(Number(about.bytes)));
    await session.request('closeStdin');
    await session.untilClosed();
    await tell({ text: session.text() });
  },

  async end() {
    const client = await connected();
    await tell({ connected: true });
    const { code, wasClean } = await client.closed;
    await tell({ code, wasClean });
  },

  /** Whatever a page may try without leave. */
  async intruder() {
    const ws = new WebSocket(about.server);
    const { code } = await new Promise((resolve, reject) => {
      ws.addEventListener('open', () => reject(new Error('the connection is open')));
      ws.addEventListener('close', resolve);
    });
    const http = about.server.replace('ws:', 'http:');
    const read = await fetch(`${http}/metrics`).then((answer) => answer.status, () => 'nothing');
    const start = JSON.stringify({ id: 1, method: 'process/start', params: { direct: { argv: ['/bin/true'] } } });
    const sent = await fetch(http, { method: 'POST', mode: 'no-cors', body: start }).then(({ type }) => type, () => 'nothing');
    await tell({ code, read, sent });
  },
};

try {
  check(about.page in pages, `no page is named ${about.page}`);
  await pages[about.page]();
} catch (error) {
  await tell({ error: `${error}\n${error.stack}` });
}
