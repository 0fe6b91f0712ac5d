// A reader of the feed (rtlab/protocol/WIRE.md, rtlab.v1.json) for what cards show: tickers and bars, each followed once
// however many show it, and as long as somebody does. It connects when the first one is wanted.

const SUBPROTOCOL = "rtlab.v1.json"
const MOST = 24 // followed at once: cards come from others
const LONGEST_WAIT = 5000 // ms, between two attempts
const RATE = 4 // messages a second of each

export class Feed {
  #followed = new Map() // name: {channel, shown, key, tick, epoch, seq, ticker, bars, isFresh}
  #socket
  #timer = 0
  #attempt = 0
  #next = 1

  constructor(url, token) {
    this.url = url
    this.token = token
  }

  // Calls show({tick, ticker, bars, failed}) with every change, until that gives false. `bars` are [start, open, high,
  // low, close, volume, trades] by start, `tick` a decimal. Gives false where too much is followed already.
  follow(channel, show) {
    const name = JSON.stringify(channel)
    let one = this.#followed.get(name)
    if (!one && this.#followed.size >= MOST) this.#sweep()
    if (!one && this.#followed.size >= MOST) return false
    if (!one) {
      one = { channel, shown: new Set(), bars: new Map() }
      this.#followed.set(name, one)
      if (this.#socket?.readyState === WebSocket.OPEN) this.#subscribe(one)
      else if (!this.#socket) this.#open()
    }
    one.shown.add(show)
    if (one.tick) this.#tell(one)
    return true
  }

  close() {
    this.#followed.clear()
    clearTimeout(this.#timer)
    this.#socket?.close()
    this.#socket = undefined
  }

  #open() {
    clearTimeout(this.#timer)
    const socket = (this.#socket = new WebSocket(this.url, SUBPROTOCOL))
    socket.onopen = () => {
      if (this.token) this.#say({ type: "Authenticate", token: this.token })
      this.#followed.forEach((one) => this.#subscribe(one))
    }
    socket.onmessage = ({ data }) => socket === this.#socket && this.#take(JSON.parse(data))
    socket.onclose = ({ code }) => socket === this.#socket && this.#ended(code)
  }

  #ended(code) {
    this.#socket = undefined
    if (!this.#followed.size) return
    if (code === 4001 || code === 4003) return this.#followed.forEach((one) => this.#fail(one, "the feed does not let this page in"))
    const most = Math.min(LONGEST_WAIT, 100 * 2 ** this.#attempt++)
    this.#timer = setTimeout(() => this.#open(), most * Math.random())
  }

  #say(message) {
    this.#socket.send(JSON.stringify(message))
  }

  #subscribe(one) {
    Object.assign(one, { id: this.#next++, key: undefined, isFresh: true, isLost: true })
    this.#say({ type: "Subscribe", id: one.id, channels: [{ ...one.channel, max_rate: RATE }] })
  }

  #of(key) {
    for (const one of this.#followed.values()) if (one.key === key) return one
  }

  #take(message) {
    switch (message.type) {
      case "Batch":
        return message.messages.forEach((one) => this.#take(one))
      case "Subscribed": {
        const one = [...this.#followed.values()].find(({ id }) => id === message.id)
        if (one) Object.assign(one, { key: message.key, tick: message.tick_size, lot: message.lot_size })
        return
      }
      case "Error":
        return [...this.#followed.values()].filter(({ id }) => id === message.id).forEach((one) => this.#fail(one, message.message))
      case "Ticker":
      case "Bars": {
        const one = this.#of(message.key)
        return one && this.#apply(one, message)
      }
      case "Ping":
        return this.#answer(message)
    }
  }

  #apply(one, message) {
    const { epoch, seq } = message
    const isNews = epoch > one.epoch || (epoch === one.epoch && seq > one.seq)
    if (message.type === "Bars" && message.first_seq > 0) {
      if (one.isLost || !isNews) return
      if (epoch > one.epoch || message.first_seq - 1 > one.seq) return this.#lose(one)
    } else {
      if (!one.isLost && !one.isFresh && !isNews) return
      one.bars = new Map()
    }
    if (message.type === "Ticker") one.ticker = message
    else {
      message.bars.forEach((bar) => one.bars.set(bar[0], bar))
      const starts = [...one.bars.keys()].sort((a, b) => b - a)
      starts.slice(message.depth).forEach((start) => one.bars.delete(start))
    }
    Object.assign(one, { epoch, seq, isFresh: false, isLost: false })
    this.#tell(one)
  }

  #lose(one) {
    one.isLost = true
    this.#say({ type: "Resync", key: one.key })
  }

  #answer({ nonce, heads }) {
    this.#attempt = 0
    const applied = {}
    for (const [key, [epoch, sent, exact]] of Object.entries(heads)) {
      const one = this.#of(Number(key))
      if (!one || one.isLost) continue
      if (one.epoch === epoch && one.seq === sent) Object.assign(one, { seq: exact, isFresh: false })
      else this.#lose(one)
    }
    for (const one of this.#followed.values()) if (one.key !== undefined && !one.isLost) applied[one.key] = [one.epoch, one.seq]
    this.#say({ type: "Pong", nonce, applied })
    this.#sweep()
  }

  #fail(one, why) {
    one.failed = why
    this.#tell(one)
  }

  #tell(one) {
    const { tick, ticker, failed } = one
    const bars = [...one.bars.values()].sort(([a], [b]) => a - b)
    for (const show of [...one.shown]) if (show({ tick, ticker, bars, failed }) === false) one.shown.delete(show)
  }

  // Lets go of what nobody shows any more, and of the connection where that was all.
  #sweep() {
    for (const [name, one] of this.#followed) {
      this.#tell(one)
      if (one.shown.size) continue
      this.#followed.delete(name)
      if (one.key !== undefined && this.#socket?.readyState === WebSocket.OPEN) this.#say({ type: "Unsubscribe", key: one.key })
    }
    if (!this.#followed.size) this.close()
  }
}
