// What is to be sent: saved first (`out:`), then sent until the relay has it, in its order and so much at once. After a
// crash the same envelope goes again, and is known by its identifier.

import { base64 } from "../bytes.js"

const UNDER_WAY = 32 // messages
const PERMANENT = new Set(["size", "form", "identity", "stranger", "blocked", "unknown", "full", "member", "revoked"])

export class Outbox {
  #last = 0
  #underWay = new Set() // out:<n> that the relay has not answered yet

  // `alarm(problem)` hears of what was refused
  constructor(known, relay, turns, alarm) {
    Object.assign(this, { known, relay, turns, alarm })
  }

  // Goes on behind what waits, so that nothing of it is written over.
  load() {
    const last = this.known.under("out:").map(([key]) => key).sort().at(-1)
    this.#last = last ? Number(last.slice(4)) : 0
  }

  // Gives the change by which a request waits; `message` and `account` tell which message it carries, if any.
  put(request) {
    return [`out:${String(++this.#last).padStart(12, "0")}`, request]
  }

  // Sends what waits; what is under way is not sent twice.
  flush() {
    const waiting = this.known.under("out:").map(([key]) => key).filter((key) => !this.#underWay.has(key)).sort()
    for (const key of waiting.slice(0, UNDER_WAY - this.#underWay.size)) {
      this.#underWay.add(key)
      this.#deliver(key, this.known.get(key))
        .then(() => true, (problem) => this.alarm(problem))
        .then((isOver) => {
          this.#underWay.delete(key)
          if (isOver) this.flush()
        })
    }
  }

  async #deliver(key, { message, account, ...request }) {
    let refused
    try {
      await this.relay.ask("send", { ...request, envelope: base64(request.envelope) })
    } catch (problem) {
      if (problem.code === "offline") throw problem
      if (!PERMANENT.has(problem.code) && problem.code !== "stale") {
        await new Promise((resolve) => setTimeout(resolve, 1000 * (problem.retryAfter ?? 1)))
        return
      }
      refused = problem
    }
    await this.turns.take(() => this.#settled(key, { message, account, ...request }, refused))
  }

  async #settled(key, { message, account, group: id, epoch }, refused) {
    const changes = [[key, undefined]]
    if (message) {
      const said = this.known.said(account).findLast(({ id }) => id === message)
      if (said?.state === "saved") changes.push([said.key, { ...said, state: refused ? "failed" : "sent", why: refused?.message }])
    }
    const group = id && this.known.get(`group:${id}`)
    if (group?.pending && group.pending.epoch === epoch) {
      const { pending, ...rest } = group
      const { state, renewed, welcome } = pending
      // where another commit came first, new keys are made with the next message
      if (renewed && refused?.code !== "stale") Object.assign(rest, { sent: 0, updated: renewed })
      changes.push([`group:${id}`, refused ? rest : { ...rest, state }])
      if (!refused && welcome) changes.push(this.put(welcome))
    }
    if (group) await this.known.save(changes)
    else this.known.saveSoon(changes)
    if (refused && refused.code !== "stale") this.alarm(refused)
    this.flush()
  }
}
