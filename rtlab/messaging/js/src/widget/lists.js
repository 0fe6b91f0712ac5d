// The conversations, those that were not accepted first; or what was found in them.

import { clock, h, short } from "./dom.js"

export class Lists {
  #seen

  // `select(account)` opens one
  constructor(messenger, t, select) {
    Object.assign(this, { messenger, t, select })
    this.node = h("div")
  }

  draw(open, found) {
    if (found) return this.#drawHits(found)
    const { t, messenger } = this
    const chats = messenger.chats()
    const seen = JSON.stringify(chats.map(({ account, status, unread, messages }) => [account, status, unread, account === open, messenger.isTyping(account), messages.at(-1)?.id]))
    if (this.#seen === seen) return
    this.#seen = seen
    const part = (title, some) => (some.length ? [h("h3", { text: title }), h("ul", {}, ...some.map((chat) => this.#row(chat, chat.account === open)))] : [])
    const requests = chats.filter(({ status }) => status === "request")
    const others = chats.filter(({ status }) => status !== "request")
    const focused = this.node.getRootNode().activeElement?.dataset?.account
    this.node.replaceChildren(...part(t.requests, requests), ...part(t.conversations, others), ...(chats.length ? [] : [h("p", { class: "note", text: t.nobody })]))
    if (focused) [...this.node.querySelectorAll("button")].find((one) => one.dataset.account === focused)?.focus()
  }

  #drawHits(words) {
    this.#seen = undefined
    const hits = this.messenger.search(words).slice(-50)
    const rows = hits.map(({ account, message }) =>
      h("li", {},
        h("button", { type: "button", onclick: () => this.select(account) },
          h("span", { class: "cut", text: short(account) }), h("span", { class: "last", text: clock(message.at) }), h("span", { class: "last cut", text: message.text }))))
    this.node.replaceChildren(hits.length ? h("ul", {}, ...rows) : h("p", { class: "note", text: this.t.noMatch }))
  }

  #row({ account, unread, messages }, current) {
    const last = messages.at(-1)
    const text = last ? (last.text ?? last.title ?? last.name ?? `/${last.kind} ${last.instrument ?? ""}`) : ""
    return h(
      "li", {},
      h("button", { type: "button", "data-account": account, "aria-current": String(current), title: account, onclick: () => this.select(account) },
        h("span", { class: "cut", text: short(account) }), unread && !current ? h("span", { class: "count", text: unread }) : h("span"),
        h("span", { class: "last cut", text: this.messenger.isTyping(account) ? this.t.typing : text })),
    )
  }
}
