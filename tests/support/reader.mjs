// An independent reader of the feed, written from rtlab/protocol/WIRE.md alone: JavaScript, no package.
//
// node reader.mjs URL '[{"name": "book", "instrument": "BTC-USD", "depth": 10}, ...]' [packed]
//
// It subscribes, follows, comes back by itself, and obeys words on standard input, one a line:
//   slow MS    take at most one message each MS (0: as they come); meanwhile it does not read the socket
//   cut MS     reset the connection, and come back after MS at the earliest
//   spoil      change its own worst bid, so that a checksum must find it
//   miss       overlook the next increment of each book, so that a gap must show
//   show       print one line of JSON: every state, where it stands, and what was counted
// It ends when standard input does.

import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { createInterface } from "node:readline";

import { decode, encode } from "./packed.mjs";

const IS_PACKED = process.argv[4] === "packed";
const PROTOCOL = IS_PACKED ? "rtlab.v1.packed" : "rtlab.v1.json";
const SAFE = (n) => {
  if (!Number.isSafeInteger(n)) throw new Error(`${n} is not exact in a double`);
  return n;
};

// --- RFC 6455, as much of it as a client needs -------------------------------------------------------------

class Socket {
  // calls onOpen(), onMessage(body), onEnd(code, reason)
  constructor(url, handlers) {
    const { hostname, port } = new URL(url);
    this.handlers = handlers;
    this.buffer = Buffer.alloc(0);
    this.parts = [];
    this.isOpen = this.isOver = false;
    this.pauseMs = 0;
    this.isWaiting = false;
    this.code = 1006;
    this.reason = "";
    this.nonce = randomBytes(16).toString("base64");
    this.tcp = connect({ host: hostname, port: Number(port) });
    this.tcp.setNoDelay(true);
    this.tcp.on("connect", () => this.greet(hostname, port));
    this.tcp.on("data", (chunk) => {
      this.buffer = Buffer.concat([this.buffer, chunk]);
      this.advance();
    });
    this.tcp.on("error", () => {});
    this.tcp.on("close", () => this.over());
  }

  greet(host, port) {
    this.tcp.write(
      `GET / HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${this.nonce}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ${PROTOCOL}\r\n\r\n`,
    );
  }

  over() {
    if (this.isOver) return;
    this.isOver = true;
    this.handlers.onEnd(this.code, this.reason);
  }

  cut() {
    this.tcp.resetAndDestroy();
  }

  advance() {
    while (!this.isWaiting && !this.isOver && (this.isOpen ? this.frame() : this.head()));
  }

  head() {
    const end = this.buffer.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const [status, ...lines] = this.buffer.subarray(0, end).toString().split("\r\n");
    const headers = new Map(lines.map((line) => [line.split(":")[0].toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
    const wanted = createHash("sha1").update(this.nonce + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
    if (!status.includes(" 101 ") || headers.get("sec-websocket-accept") !== wanted || headers.get("sec-websocket-protocol") !== PROTOCOL) {
      const line = this.buffer.subarray(end + 4).toString().split("\n")[0];
      this.reason = headers.has("retry-after") && !/retry in/.test(line) ? `retry in ${headers.get("retry-after")} s` : line;
      this.tcp.destroy();
      return false;
    }
    this.buffer = this.buffer.subarray(end + 4);
    this.isOpen = true;
    this.handlers.onOpen();
    return true;
  }

  frame() {
    const have = this.buffer;
    if (have.length < 2) return false;
    let size = have[1] & 127;
    let at = 2;
    if (size === 126) {
      if (have.length < 4) return false;
      [size, at] = [have.readUInt16BE(2), 4];
    } else if (size === 127) {
      if (have.length < 10) return false;
      [size, at] = [Number(have.readBigUInt64BE(2)), 10];
    }
    if (have.length < at + size) return false;
    const body = have.subarray(at, at + size);
    this.buffer = have.subarray(at + size);
    this.opcode(have[0] & 15, (have[0] & 128) !== 0, body);
    return true;
  }

  opcode(opcode, isFinal, body) {
    if (opcode === 9) this.write(10, body);
    else if (opcode === 8) {
      if (body.length >= 2) [this.code, this.reason] = [body.readUInt16BE(0), body.subarray(2).toString()];
      this.write(8, body.subarray(0, 2));
      this.tcp.end();
    } else if (opcode < 3) {
      this.parts.push(body);
      if (!isFinal) return;
      const whole = Buffer.concat(this.parts);
      this.parts = [];
      this.handlers.onMessage(whole);
      if (this.pauseMs) this.rest();
    }
  }

  rest() {
    this.isWaiting = true;
    this.tcp.pause();
    setTimeout(() => {
      this.isWaiting = false;
      this.advance();
      if (!this.isWaiting) this.tcp.resume();
    }, this.pauseMs);
  }

  send(body) {
    if (this.isOpen && !this.isOver) this.write(IS_PACKED ? 2 : 1, Buffer.from(body));
  }

  write(opcode, body) {
    const mask = randomBytes(4);
    const head = body.length < 126 ? Buffer.alloc(2) : body.length < 65536 ? Buffer.alloc(4) : Buffer.alloc(10);
    head[0] = 128 | opcode;
    head[1] = 128 | (head.length === 2 ? body.length : head.length === 4 ? 126 : 127);
    if (head.length === 4) head.writeUInt16BE(body.length, 2);
    if (head.length === 10) head.writeBigUInt64BE(BigInt(body.length), 2);
    this.tcp.write(Buffer.concat([head, mask, Buffer.from(body.map((byte, i) => byte ^ mask[i % 4]))]));
  }
}

// --- the checksum ------------------------------------------------------------------------------------------

const TABLE = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

function checksum(bids, asks) {
  const bytes = Buffer.alloc(16 * (bids.length + asks.length));
  [...bids, ...asks].forEach(([price, qty], i) => {
    bytes.writeBigInt64LE(BigInt(price), 16 * i);
    bytes.writeBigInt64LE(BigInt(qty), 16 * i + 8);
  });
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// --- the states --------------------------------------------------------------------------------------------

const counts = { connections: 0, snapshots: 0, increments: 0, widest: 0, checked: 0, mismatches: 0, gaps: 0, resyncs: 0, ignored: 0, merged: 0 };
const closes = [];
const statuses = new Set();

class Book {
  constructor() {
    this.sides = [new Map(), new Map()];
    this.isBlind = false;
  }

  levels(side) {
    const sign = side === 0 ? -1 : 1;
    return [...this.sides[side]].sort((a, b) => sign * (a[0] - b[0]));
  }

  isRight(told) {
    if (told === null) return true;
    counts.checked++;
    return told === checksum(this.levels(0), this.levels(1));
  }

  take(m, stand) {
    if (m.type === "Snapshot") {
      if (stand.knows && !stand.fresh && !stand.isNews(m.epoch, m.seq, m.depth)) return "ignore";
      if (m.checksum !== null && m.checksum !== checksum(m.bids, m.asks)) return "mismatch";
      this.sides = [m.bids, m.asks].map((levels) => new Map(levels.map(([price, qty]) => [SAFE(price), SAFE(qty)])));
      stand.at(m.epoch, m.seq, m.depth);
      return "snapshot";
    }
    if (this.isBlind) {
      this.isBlind = false;
      return "ignore";
    }
    const before = stand.beforeIncrement(m.epoch, m.first_seq, m.last_seq, m.depth);
    if (before) return before;
    for (const [side, price, qty] of m.changes) {
      if (qty === 0) this.sides[side].delete(price);
      else this.sides[side].set(SAFE(price), SAFE(qty));
    }
    for (const side of [0, 1]) if (this.sides[side].size > m.depth) this.sides[side] = new Map(this.levels(side).slice(0, m.depth));
    stand.at(m.epoch, m.last_seq, m.depth);
    counts.widest = Math.max(counts.widest, m.last_seq - m.first_seq + 1);
    return this.isRight(m.checksum) ? "increment" : "mismatch";
  }

  spoil() {
    const [price, qty] = this.levels(0).at(-1);
    this.sides[0].set(price, qty + 1);
  }

  show() {
    return { bids: this.levels(0), asks: this.levels(1), checksum: checksum(this.levels(0), this.levels(1)) };
  }
}

class Trades {
  constructor() {
    this.rows = [];
    this.totals = [0, 0, 0];
    this.dropped = [0, 0, 0];
    this.given = 0;
  }

  take(m, stand) {
    const before = [m.before.seq, m.before.bought, m.before.sold].map(SAFE);
    if (before[0] + m.trades.length !== m.last_seq || before[0] < m.first_seq - 1) return "mismatch";
    const isBehind = stand.fresh && (m.epoch < stand.epoch || (m.epoch === stand.epoch && m.last_seq < stand.seq));
    const isStart = !stand.knows || m.epoch > stand.epoch || isBehind;
    if (isStart) {
      if (m.epoch !== stand.epoch) [this.rows, this.totals] = [[], before];
    } else if (!stand.isNews(m.epoch, m.last_seq, stand.held)) return "ignore";
    else if (m.first_seq - 1 > stand.seq) return "gap";
    if (before[0] > this.totals[0]) {
      this.dropped = this.dropped.map((n, i) => n + before[i] - this.totals[i]);
      this.totals = before;
    }
    for (const row of m.trades.slice(this.totals[0] - before[0])) {
      this.totals = [this.totals[0] + 1, this.totals[1] + (row[3] === 0 ? SAFE(row[2]) : 0), this.totals[2] + (row[3] === 1 ? SAFE(row[2]) : 0)];
      this.given++;
      this.rows.push(row);
    }
    this.rows = this.rows.slice(-1000);
    stand.at(m.epoch, m.last_seq, 1);
    return isStart ? "snapshot" : "increment";
  }

  show() {
    return { totals: this.totals, dropped: this.dropped, given: this.given, rows: this.rows.slice(-20) };
  }
}

class Ticker {
  take(m, stand) {
    if (stand.knows && !stand.fresh && !stand.isNews(m.epoch, m.seq, 1)) return "ignore";
    this.row = [m.bid, m.bid_qty, m.ask, m.ask_qty, m.last, m.last_qty];
    stand.at(m.epoch, m.seq, 1);
    return "snapshot";
  }

  show() {
    return { row: this.row };
  }
}

class Bars {
  rows = new Map();

  take(m, stand) {
    const isWhole = m.first_seq === 0;
    if (isWhole) {
      if (stand.knows && !stand.fresh && !stand.isNews(m.epoch, m.seq, m.depth)) return "ignore";
      this.rows.clear();
    } else {
      const before = stand.beforeIncrement(m.epoch, m.first_seq, m.seq, m.depth);
      if (before) return before;
    }
    for (const row of m.bars) this.rows.set(row[0], row);
    this.rows = new Map(this.newest().slice(0, m.depth).map((row) => [row[0], row]));
    stand.at(m.epoch, m.seq, m.depth);
    return isWhole ? "snapshot" : "increment";
  }

  newest() {
    return [...this.rows.values()].sort((a, b) => b[0] - a[0]);
  }

  show() {
    return { bars: this.newest() };
  }
}

const STATES = { book: Book, trades: Trades, ticker: Ticker, bars: Bars };

// --- where a subscription stands ---------------------------------------------------------------------------

class Subscription {
  constructor(wish) {
    this.wish = wish;
    this.state = new STATES[wish.name]();
    this.epoch = this.seq = this.held = 0;
    this.knows = false;
    this.fresh = true;
    this.key = null;
    this.resyncAt = -Infinity;
    this.isAsking = false;
    this.resumed = 0;
  }

  at(epoch, seq, held) {
    [this.epoch, this.seq, this.held] = [SAFE(epoch), SAFE(seq), SAFE(held)];
  }

  isNews(epoch, last, depth) {
    if (epoch !== this.epoch) return epoch > this.epoch;
    return last > this.seq || (last === this.seq && depth !== this.held);
  }

  beforeIncrement(epoch, first, last, depth) {
    if (!this.knows) return "ignore";
    if (epoch > this.epoch) return "gap";
    if (!this.isNews(epoch, last, depth)) return "ignore";
    return first - 1 > this.seq ? "gap" : null;
  }

  toAsk() {
    return { ...this.wish, resume: this.knows ? [this.epoch, this.seq, this.held] : null };
  }
}

// --- the reader --------------------------------------------------------------------------------------------

class Reader {
  constructor(url, wishes) {
    this.url = url;
    this.subscriptions = wishes.map((wish) => new Subscription(wish));
    this.byKey = new Map();
    this.tries = 0;
    this.pauseMs = 0;
    this.notBefore = 0;
    this.open();
  }

  open() {
    const socket = (this.socket = new Socket(this.url, {
      onOpen: () => this.opened(),
      onMessage: (body) => this.take(IS_PACKED ? decode(body) : JSON.parse(body.toString())),
      onEnd: (code, reason) => this.ended(code, reason),
    }));
    socket.pauseMs = this.pauseMs;
  }

  send(message) {
    this.socket.send(IS_PACKED ? encode(message) : JSON.stringify(message));
  }

  opened() {
    counts.connections++;
    for (const one of this.subscriptions) [one.key, one.fresh, one.isAsking, one.resyncAt] = [null, true, false, -Infinity];
    this.byKey.clear();
    this.send({ type: "Subscribe", id: 1, channels: this.subscriptions.map((one) => one.toAsk()) });
  }

  ended(code, reason) {
    closes.push(`${code} ${reason}`.trim());
    const hint = Number(/retry in (\d+(?:\.\d+)?) ?s/.exec(reason)?.[1] ?? 0);
    const backoff = Math.min(5, 0.1 * 2 ** this.tries++);
    const wait = 1000 * (hint + Math.random() * Math.max(hint, backoff));
    setTimeout(() => this.open(), Math.max(wait, this.notBefore - Date.now()));
  }

  take(m) {
    switch (m.type) {
      case "Batch":
        m.messages.forEach((one) => this.take(one));
        return;
      case "Welcome":
        this.welcome = m;
        return;
      case "Subscribed":
        this.subscriptions[m.index].key = m.key;
        this.byKey.set(SAFE(m.key), this.subscriptions[m.index]);
        return;
      case "Status":
        statuses.add(m.state);
        counts.merged = Math.max(counts.merged, m.merged);
        return;
      case "Error":
        this.refused(m);
        return;
      case "Ping":
        this.answer(m);
        return;
    }
    const one = this.byKey.get(m.key);
    if (!one) return void counts.ignored++;
    const outcome = one.state.take(m, one);
    if (outcome === "snapshot" || outcome === "increment") {
      if (one.fresh && one.knows && outcome === "increment") one.resumed++;
      [one.knows, one.fresh, one.isAsking] = [true, false, false];
      counts[`${outcome}s`]++;
    } else if (outcome === "ignore") counts.ignored++;
    else this.lost(one, outcome);
  }

  refused(m) {
    const one = this.byKey.get(m.key);
    if (one && m.retry_after_s !== null) setTimeout(() => one.key === m.key && this.resync(one), 1000 * m.retry_after_s);
    else throw new Error(`${m.code} ${m.message}`);
  }

  lost(one, why) {
    counts[why === "gap" ? "gaps" : "mismatches"]++;
    one.knows = false;
    if (one.isAsking) return;
    one.isAsking = true;
    setTimeout(() => one.isAsking && this.byKey.get(one.key) === one && this.resync(one), Math.max(0, one.resyncAt + 1000 - Date.now()));
  }

  resync(one) {
    counts.resyncs++;
    one.resyncAt = Date.now();
    this.send({ type: "Resync", key: one.key });
  }

  answer(ping) {
    this.tries = 0;
    for (const [key, [epoch, sent, exactTo]] of Object.entries(ping.heads)) {
      const one = this.byKey.get(Number(key));
      if (!one) continue;
      if (!one.knows) {
        if (Date.now() - one.resyncAt >= 5000 && one.resyncAt > 0) this.resync(one);
      } else if (one.epoch === epoch && one.seq === sent) {
        if (one.fresh && counts.connections > 1) one.resumed++;
        [one.seq, one.fresh] = [SAFE(exactTo), false];
      } else this.lost(one, "gap");
    }
    const known = [...this.byKey].filter(([, one]) => one.knows);
    this.send({ type: "Pong", nonce: ping.nonce, applied: Object.fromEntries(known.map(([key, one]) => [key, [one.epoch, one.seq]])) });
  }

  obey(line) {
    const [word, ms] = line.split(" ");
    if (word === "slow") this.pauseMs = this.socket.pauseMs = Number(ms);
    if (word === "cut") {
      this.notBefore = Date.now() + Number(ms);
      this.socket.cut();
    }
    for (const { state } of this.subscriptions.filter((one) => one.wish.name === "book")) {
      if (word === "spoil") state.spoil();
      if (word === "miss") state.isBlind = true;
    }
    if (word === "show") console.log(JSON.stringify(this.show()));
  }

  show() {
    const states = this.subscriptions.map((one) => ({ ...one.state.show(), epoch: one.epoch, seq: one.seq, held: one.held, resumed: one.resumed }));
    return { states, counts, closes, statuses: [...statuses] };
  }
}

const reader = new Reader(process.argv[2], JSON.parse(process.argv[3]));
const words = createInterface({ input: process.stdin });
words.on("line", (line) => reader.obey(line));
words.on("close", () => process.exit(0));
