// Files on their way: they go on by themselves after the connection was lost, and end with the page.

import { MessagingError } from "../errors.js"
import { Download, plainName, Upload } from "./files.js"

export class Transfers {
  #closed = false
  underWay = new Set() // {account, name, done, count, cancelled}: may be cancelled by who sees it

  // `isBack()` gives a promise of the relay's coming back; `changed()`
  constructor(relay, isBack, changed) {
    Object.assign(this, { relay, isBack, changed })
  }

  close() {
    this.#closed = true
  }

  // Sends a file, encrypted in chunks; gives what a message says of it, the key among that.
  async send(account, { name, type, bytes }, say) {
    const upload = new Upload({ name: plainName(name), type: type.slice(0, 99), bytes })
    const transfer = { account, name: upload.said.name, done: 0, count: 1, cancelled: false }
    this.underWay.add(transfer)
    try {
      await this.#lasting(() => upload.send(this.relay, (done, count) => this.#moved(transfer, done, count)))
      return await say(upload.said)
    } finally {
      this.underWay.delete(transfer)
      this.changed()
    }
  }

  fetch(file, told) {
    const download = new Download(file)
    return this.#lasting(() => download.receive(this.relay, told))
  }

  #moved(transfer, done, count) {
    if (transfer.cancelled) throw new MessagingError("it was cancelled")
    Object.assign(transfer, { done, count })
    this.changed()
  }

  // Does what can be gone on with again, whenever the relay is back.
  async #lasting(work) {
    for (;;) {
      const isBack = this.isBack()
      try {
        return await work()
      } catch (problem) {
        if (problem.code !== "offline" || this.#closed) throw problem
      }
      await isBack
    }
  }
}
