// A client and its sessions on the WebSocket of the web (https://websockets.spec.whatwg.org), wherever this is
// loaded: by a browser, or beside a package that has the same interface.

export function check(condition, what) {
  if (!condition) throw new Error(what);
}

export function encode(data) {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

export function decode(chunk) {
  const text = atob(chunk);
  check(btoa(text) === chunk, `not base64 as RFC 4648 has it: ${chunk}`);
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

export class Client {
  /** The client of a WebSocket that is about to open; fails when it does not. */
  static async on(ws) {
    const client = new this();
    client.ws = ws;
    client.pending = new Map();
    client.inbox = [];
    client.waiting = [];
    client.nextId = 1;
    client.closed = new Promise((resolve) => ws.addEventListener('close', resolve));
    ws.addEventListener('message', ({ data }) => {
      check(typeof data === 'string', 'the server sent a binary message');
      client.take(JSON.parse(data));
    });
    await new Promise((resolve, reject) => {
      ws.addEventListener('open', resolve);
      ws.addEventListener('error', (event) => reject(event.error ?? new Error('the connection has failed')));
    });
    return client;
  }

  async initialize(params = {}) {
    this.hello = await this.request('initialize', { clientName: 'peer', protocolVersion: 'exec-server.v1', ...params });
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
    check(answer.error === undefined, `${method}: ${JSON.stringify(answer.error)}`);
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
    const { method, params } = await client.next();
    check(method === 'process/started' && params.sessionId === session.id && params.pid === started.pid,
      `${method} ${JSON.stringify(params)} after the start of ${JSON.stringify(started)}`);
    return session;
  }

  request(verb, params = {}) {
    return this.client.request(`process/${verb}`, { sessionId: this.id, ...params });
  }

  write(data) {
    return this.request('write', { chunk: encode(data) });
  }

  /** Takes one notification; false at the last. */
  async turn() {
    const { method, params } = await this.client.next();
    check(params.sessionId === this.id, `${method} of ${params.sessionId}`);
    check(params.seq === ++this.seq, `number ${params.seq} instead of ${this.seq}`);
    if (method === 'process/outputDelta') {
      check(params.offset === this.size, `offset ${params.offset} instead of ${this.size}`);
      const chunk = decode(params.chunk);
      this.chunks.push(chunk);
      this.size += chunk.length;
    } else if (method === 'process/exited') {
      this.exited = params;
    } else {
      check(method === 'process/closed', method);
    }
    return method !== 'process/closed';
  }

  data() {
    const whole = new Uint8Array(this.size);
    let at = 0;
    for (const chunk of this.chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }

  text() {
    return new TextDecoder().decode(this.data());
  }

  async until(text) {
    while (!this.text().includes(text)) check(await this.turn(), `closed before ${text}: ${this.text()}`);
  }

  async untilClosed() {
    while (await this.turn());
    return this.exited;
  }
}
