// The connection to a relay: says who it is, asks and is answered by number, and comes back by itself.

import { ed25519 } from "@noble/curves/ed25519.js"
import { base64, concat, unbase64, utf8 } from "../bytes.js"
import { IdentityError, RefusedError } from "../errors.js"

const SUBPROTOCOL = "rtlab.messages.v1"
const HELLO = "rtlab relay hello 1\n"
const LONGEST_WAIT = 15000 // ms, between two attempts
const ANSWER = 20000 // ms

// `on`: {identity(directory) -> {device, binding, after, token?}, ready(message), mail(message), fleeting(message),
// state("connecting" | "online" | "offline", why), failed(problem): it is not tried again}.
export class RelayConnection {
  #socket = null
  #asked = new Map()
  #next = 1
  #attempt = 0
  #closed = false
  #timer = 0
  #isReached = false

  constructor(url, directory, on) {
    this.url = url
    this.directory = directory
    this.on = on
  }

  open() {
    this.on.state("connecting")
    const socket = (this.#socket = new WebSocket(this.url, SUBPROTOCOL))
    this.#isReached = false
    socket.onopen = () => (this.#isReached = true)
    socket.onmessage = ({ data }) => this.#take(socket, data)
    socket.onclose = ({ code, reason }) => this.#ended(socket, code, reason)
  }

  close() {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#socket?.close()
  }

  // Asks, and gives the answer; RefusedError when it is refused, or the connection ends before (code "offline").
  ask(op, fields = {}) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return Promise.reject(new RefusedError("the relay is not there", "offline"))
    const n = this.#next++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(n, new RefusedError("the relay does not answer", "offline")), ANSWER)
      this.#asked.set(n, { resolve, reject, timer })
      this.#socket.send(JSON.stringify({ op, n, ...fields }))
    })
  }

  #fail(n, problem) {
    const asked = this.#asked.get(n)
    this.#asked.delete(n)
    clearTimeout(asked?.timer)
    asked?.reject(problem)
  }

  async #take(socket, data) {
    if (socket !== this.#socket) return
    const message = JSON.parse(data)
    if (message.op === "challenge") {
      try {
        await this.#hello(message)
        this.#attempt = 0
      } catch (problem) {
        this.#closed = problem.code !== "offline"
        socket.close()
        if (this.#closed) this.on.failed(problem)
      }
    } else if (message.op === "mail") this.on.mail(message)
    else if (message.op === "fleeting") this.on.fleeting(message)
    else if (message.op === "refused") this.#fail(message.n, new RefusedError(message.why, message.code, message.retry_after))
    else {
      const asked = this.#asked.get(message.n)
      this.#asked.delete(message.n)
      clearTimeout(asked?.timer)
      asked?.resolve(message)
    }
  }

  async #hello({ directory, nonce }) {
    if (directory !== this.directory)
      throw new IdentityError(`this relay calls itself ${directory}, and the page expects ${this.directory}: give the page the option directory, or start the relay by that name`)
    const { device, binding, after, token } = await this.on.identity(directory)
    const signed = concat(utf8(`${HELLO}${directory}\n`), unbase64(nonce))
    const signature = base64(ed25519.sign(signed, device.secretKey))
    const ready = await this.ask("hello", { binding: base64(binding), signature, after, ...(token && { token }) })
    this.on.state("online")
    this.on.ready(ready)
  }

  get #shown() {
    const { protocol, host, pathname } = new URL(this.url)
    return `${protocol}//${host}${pathname}`
  }

  #ended(socket, code, reason) {
    if (socket !== this.#socket) return
    for (const n of [...this.#asked.keys()]) this.#fail(n, new RefusedError(reason || "the connection has ended", "offline"))
    const isReplaced = code === 4010
    this.on.state("offline", reason || (isReplaced ? "this device is connected elsewhere" : this.#isReached ? "" : `no answer at ${this.#shown}`))
    if (this.#closed || isReplaced) return
    const wait = Math.min(LONGEST_WAIT, 250 * 2 ** this.#attempt++) * (0.5 + Math.random() / 2)
    this.#timer = setTimeout(() => this.open(), wait)
  }
}
