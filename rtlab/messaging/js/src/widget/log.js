// What was said in one conversation, the newest at the end. A message is drawn once, and later only its state.

import { alertCard, fileCard } from "./cards.js"
import { clock, h, short } from "./dom.js"
import { marketCard } from "./market_cards.js"

const CROWD = 20 // messages since it was last drawn, beyond which the newest are drawn first

export class Log {
  #drawn = new Map()
  #isAtEnd = true
  #known // messages when it was last drawn

  // `reply(message)` and `earlier()` are asked for by whoever looks
  constructor({ account, isTrusted, messenger, t, feed, reply, earlier }) {
    Object.assign(this, { isTrusted, messenger, t, feed, reply })
    this.more = h("button", { type: "button", text: t.earlier, onclick: earlier })
    // measured when it was scrolled, for while it is drawn it would have to be laid out to be measured
    const onscroll = () => (this.#isAtEnd = this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < 40)
    this.node = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": short(account), tabindex: "0", onscroll })
  }

  // Draws the last messages, `most` of them. Where many have come since, only the newest, for nobody has read the others
  // and each takes its time from the next message: gives false then, and wants to be drawn again.
  draw(messages, most) {
    const isCrowd = this.#isAtEnd && messages.length - (this.#known ?? messages.length) > CROWD
    this.#known = messages.length
    const shown = messages.slice(-(isCrowd ? CROWD : most))
    const nodes = shown.map((message) => this.#drawnOf(message, messages))
    if (messages.length > shown.length) nodes.unshift(this.more)
    if (this.#place(nodes) && this.#isAtEnd) this.node.scrollTop = this.node.scrollHeight
    return !isCrowd
  }

  #drawnOf(message, messages) {
    const drawn = this.#drawn.get(message.id)
    if (!drawn) {
      const node = this.#said(message, messages)
      this.#drawn.set(message.id, { message, node })
      return node
    }
    if (drawn.message !== message) this.#restate(drawn, message) // that it was sent, delivered, read: nothing else
    return drawn.node
  }

  #restate(drawn, message) {
    drawn.message = message
    const state = drawn.node.querySelector(".meta > .state-of")
    if (!state || state.dataset.state === message.state) return
    state.replaceWith(this.#state(message))
  }

  #state({ state, why }) {
    return h("span", { class: `state-of ${state}`, "data-state": state, text: this.t.states[state], title: why })
  }

  // Brings the log to these nodes, and touches only those that differ: most often the last one is new.
  #place(nodes) {
    const wanted = new Set(nodes)
    const old = [...this.node.childNodes].filter((node) => !wanted.has(node))
    let hasChanged = old.length > 0
    let at = this.node.firstChild
    for (const node of nodes) {
      while (at && !wanted.has(at)) at = at.nextSibling
      if (node === at) at = at.nextSibling
      else {
        this.node.insertBefore(node, at)
        hasChanged = true
      }
    }
    old.forEach((node) => node.remove())
    return hasChanged
  }

  #said(message, messages) {
    const { t } = this
    const quoted = message.reply && messages.find(({ id }) => id === message.reply)
    const reply = h("button", { type: "button", text: t.reply, onclick: () => this.reply(message) })
    const state = message.mine && message.state && this.#state(message)
    return h(
      "div", { class: message.mine ? "said mine" : "said" },
      message.mine && h("span", { class: "sr", text: `${t.you}: ` }),
      quoted && h("div", { class: "quote cut", dir: "auto", text: quoted.text ?? quoted.name ?? quoted.kind }),
      this.#body(message),
      h("div", { class: "meta" }, message.kind === "text" && reply, h("time", { datetime: new Date(message.at).toISOString(), text: clock(message.at) }), state),
    )
  }

  #body(message) {
    if (message.kind === "price" || message.kind === "chart") return marketCard(message, this.t, this.feed, message.mine || this.isTrusted)
    if (message.kind === "alert") return alertCard(message)
    if (message.kind === "file") return fileCard(message, this.t, this.messenger)
    return h("div", { dir: "auto", text: message.text ?? message.name ?? message.kind })
  }
}
