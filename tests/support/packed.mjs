// The subprotocol rtlab.v1.packed, written from rtlab/protocol/WIRE.md alone: JavaScript, no package.
//
// decode(Buffer) gives a server's message by names, as it stands in JSON; encode(object) a client's as bytes.
// Run by itself it reads payloads in hexadecimal, one a line, and prints each message as a line of JSON.

import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SERVER = {
  16: ["Welcome", "version", "server_time", "heartbeat_s", "limits", "instruments"],
  17: ["Subscribed", "id", "key", "channel", "instrument", "depth", "max_rate", "interval", "tick_size", "lot_size", "index"],
  18: ["Snapshot", "key", "epoch", "seq", "depth", "bids", "asks", "checksum", "ts_event"],
  19: ["Increment", "key", "epoch", "first_seq", "last_seq", "depth", "ts_event", "changes", "checksum"],
  20: ["Trades", "key", "epoch", "first_seq", "last_seq", "before", "trades"],
  21: ["Ticker", "key", "epoch", "seq", "ts_event", "bid", "bid_qty", "ask", "ask_qty", "last", "last_qty"],
  22: ["Bars", "key", "epoch", "seq", "first_seq", "depth", "bars"],
  23: ["Status", "state", "merged", "dropped", "lag_ms"],
  24: ["Ping", "nonce", "server_time", "heads"],
  25: ["Error", "code", "message", "retry_after_s", "id", "index", "key"],
};
const CHANNEL = ["name", "instrument", "depth", "interval", "max_rate", "resume", "least_depth"];
const BATCH = 26;
const UNITS = [1, 1e3, 1e6, 1e9];

// --- MessagePack, as much of it as the messages have ---------------------------------------------------------

class Bytes {
  constructor(buffer) {
    [this.buffer, this.at] = [buffer, 0];
  }

  take(size) {
    if (this.at + size > this.buffer.length) throw new Error("the payload ends too soon");
    this.at += size;
    return this.buffer.subarray(this.at - size, this.at);
  }

  size(width) {
    return this.take(width).readUIntBE(0, width);
  }

  many(count) {
    return Array.from({ length: count }, () => this.value());
  }

  map(count) {
    return Object.fromEntries(Array.from({ length: count }, () => [this.value(), this.value()]));
  }

  value() {
    const head = this.size(1);
    if (head < 0x80) return head;
    if (head < 0x90) return this.map(head & 15);
    if (head < 0xa0) return this.many(head & 15);
    if (head < 0xc0) return this.take(head & 31).toString();
    if (head >= 0xe0) return head - 256;
    switch (head) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: case 0xc5: case 0xc6: return this.take(this.size(1 << (head - 0xc4)));
      case 0xca: return this.take(4).readFloatBE();
      case 0xcb: return this.take(8).readDoubleBE();
      case 0xcc: case 0xcd: case 0xce: return this.size(1 << (head - 0xcc));
      case 0xcf: return Number(this.take(8).readBigUInt64BE());
      case 0xd0: return this.take(1).readInt8();
      case 0xd1: return this.take(2).readInt16BE();
      case 0xd2: return this.take(4).readInt32BE();
      case 0xd3: return Number(this.take(8).readBigInt64BE());
      case 0xd9: case 0xda: case 0xdb: return this.take(this.size(1 << (head - 0xd9))).toString();
      case 0xdc: case 0xdd: return this.many(this.size(2 << (head - 0xdc)));
      case 0xde: case 0xdf: return this.map(this.size(2 << (head - 0xde)));
    }
    throw new Error(`no value begins with ${head}`);
  }
}

function named(fields) {
  if (Buffer.isBuffer(fields)) return unpack(fields);
  if (fields[0] === BATCH) return { type: "Batch", messages: fields[1].map(named) };
  const [type, ...names] = SERVER[fields[0]];
  const message = { type, ...Object.fromEntries(names.map((name, i) => [name, fields[i + 1]])) };
  if (type === "Trades") [message.before] = [message.before].map(([seq, bought, sold]) => ({ seq, bought, sold }));
  return message;
}

// --- the packed Increment ------------------------------------------------------------------------------------

const unzigzag = (n) => (n % 2 ? -(n + 1) / 2 : n / 2);

function varints(bytes) {
  const numbers = [];
  let [number, scale] = [0, 1];
  for (const byte of bytes) {
    number += (byte & 127) * scale; // no shift: those have 32 bits
    scale *= 128;
    if (byte < 128) [number, scale] = (numbers.push(number), [0, 1]);
  }
  return numbers;
}

function unpack(body) {
  const isChecked = (body[0] & 4) !== 0;
  const [key, epoch, last_seq, span, depth, ts, bids, ...rest] = varints(body.subarray(isChecked ? 5 : 1));
  const changes = [];
  for (let at = 0, price = 0; at < rest.length; at++) {
    const distance = Math.floor(rest[at] / 2);
    price += changes.length === 0 || changes.length === bids ? unzigzag(distance) : distance;
    changes.push([changes.length < bids ? 0 : 1, price, rest[at] % 2 ? 0 : rest[++at]]);
  }
  const ts_event = unzigzag(ts) * UNITS[body[0] & 3];
  const checksum = isChecked ? body.readUInt32LE(1) : null;
  return { type: "Increment", key, epoch, first_seq: last_seq + 1 - span, last_seq, depth, ts_event, changes, checksum };
}

export function decode(payload) {
  return payload[0] < 0x80 ? unpack(payload) : named(new Bytes(payload).value());
}

// --- what a client says --------------------------------------------------------------------------------------

function pack(value) {
  if (value === null || value === undefined) return Buffer.from([0xc0]);
  if (Array.isArray(value)) return Buffer.concat([Buffer.from([0xdc, value.length >> 8, value.length & 255]), ...value.map(pack)]);
  if (value instanceof Map) return Buffer.concat([Buffer.from([0xde, value.size >> 8, value.size & 255]), ...[...value].flat().map(pack)]);
  if (typeof value === "string") {
    const text = Buffer.from(value);
    return Buffer.concat([Buffer.from([0xda, text.length >> 8, text.length & 255]), text]);
  }
  const number = Buffer.alloc(9);
  number[0] = Number.isInteger(value) ? 0xcf : 0xcb;
  if (Number.isInteger(value)) number.writeBigUInt64BE(BigInt(value), 1);
  else number.writeDoubleBE(value, 1);
  return number;
}

export function encode(message) {
  switch (message.type) {
    case "Subscribe":
      return pack([1, message.id, message.channels.map((one) => CHANNEL.map((name) => one[name] ?? (name === "interval" ? 0 : null)))]);
    case "Pong":
      return pack([3, message.nonce, new Map(Object.entries(message.applied).map(([key, point]) => [Number(key), point]))]);
    case "Resync":
      return pack([4, message.key]);
  }
  throw new Error(`${message.type} is not said here`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  createInterface({ input: process.stdin }).on("line", (line) => console.log(JSON.stringify(decode(Buffer.from(line, "hex")))));
}
