// Marks that messages were delivered or read, many in one message: after a silence, or within a second where there is
// none.

const MARK_AFTER = 100 // ms of silence
const MARK_WITHIN = 1000 // ms
const MOST = 200 // of a kind in one message

export class Marks {
  #waiting = new Map()
  #timer = 0
  #by = 0

  constructor(turns, sender) {
    this.turns = turns
    this.sender = sender
  }

  add(account, what, ids) {
    const marks = this.#waiting.get(account) ?? { delivered: [], read: [] }
    marks[what].push(...ids)
    this.#waiting.set(account, marks)
    clearTimeout(this.#timer)
    this.#by ||= Date.now() + MARK_WITHIN
    const wait = Math.min(MARK_AFTER, this.#by - Date.now())
    this.#timer = setTimeout(() => this.turns.take(() => this.#send()).catch(() => {}), wait)
  }

  close() {
    clearTimeout(this.#timer)
  }

  async #send() {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    this.#by = 0
    for (const [account, { delivered, read }] of waiting) {
      await this.sender.send(account, { kind: "mark", delivered: delivered.slice(-MOST), read: read.slice(-MOST) })
    }
  }
}
