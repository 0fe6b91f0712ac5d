// What is seen of a messenger: conversations on one side, the open one on the other. It only draws what the messenger
// knows, and is drawn anew when that has changed: in the next frame, and in a crowd of changes five times a second, or
// twice where so many messages come that not all of them are drawn at once.

import { composer, Sending } from "./composer.js"
import { h, short } from "./dom.js"
import { Lists } from "./lists.js"
import { Log } from "./log.js"
import { details, ownPanel } from "./panels.js"

// an element whose text is the same is left alone, for it would be laid out, and read out, again
const write = (element, text) => element.textContent !== text && (element.textContent = text)

const SHOWN = 100 // messages drawn at once
const DRAW_EVERY = 200 // ms
const CROWD_EVERY = 500 // ms

export class View {
  #open
  #reply
  #shown = SHOWN
  #drawnFor
  #wanted = false
  #drawnAt = -DRAW_EVERY
  #every = DRAW_EVERY
  #found = ""
  #panel

  constructor(messenger, wallet, t, feed) {
    this.messenger = messenger
    this.wallet = wallet
    this.t = t
    this.feed = feed
    this.sending = new Sending(messenger, t)
    this.lists = new Lists(messenger, t, (account) => this.#select(account))
    this.element = this.#build()
    messenger.addEventListener("change", () => this.#want())
    messenger.addEventListener("alarm", ({ detail }) => this.#alarm(detail))
    this.#draw()
  }

  #build() {
    const { t } = this
    this.stateLine = h("span", { class: "state", role: "status" })
    this.alarmText = h("span", { class: "grow" })
    this.alarmBar = h("div", { class: "alarm", role: "alert", hidden: true }, this.alarmText, h("button", { type: "button", text: t.close, onclick: () => (this.alarmBar.hidden = true) }))
    const to = (this.to = h("input", { "aria-label": t.newLabel, placeholder: t.newPlaceholder, spellcheck: "false", autocomplete: "off" }))
    // no forms: a sandboxed frame may not submit any
    to.addEventListener("keydown", (event) => event.key === "Enter" && this.#begin())
    const begin = h("div", { class: "line" }, to, h("button", { type: "button", class: "main", text: t.begin, onclick: () => this.#begin() }))
    const find = h("input", { type: "search", "aria-label": t.search, placeholder: t.search, oninput: () => ((this.#found = find.value.trim()), this.#draw()) })
    const side = h("nav", { class: "side", "aria-label": t.conversations }, begin, h("div", { class: "line", role: "search" }, find), this.lists.node)
    this.pane = h("section", { class: "main-pane" })
    const head = h(
      "header", {},
      h("h2", { text: t.title }), this.stateLine, h("span", { class: "grow" }),
      this.wallet.isTest && h("span", { class: "test", text: t.testMark, title: t.testWalletWhy }),
      h("button", { type: "button", class: "cut", title: this.messenger.me.account, text: short(this.messenger.me.account), onclick: () => this.#show("own") }),
    )
    this.app = h("div", { class: "app", onkeydown: (event) => event.key === "Escape" && this.#escape() }, head, side, this.pane)
    this.app.style.gridTemplateRows = "auto auto 1fr"
    head.after(this.alarmBar)
    side.style.gridRow = this.pane.style.gridRow = "3"
    return this.app
  }

  #want() {
    if (this.#wanted) return
    this.#wanted = true
    const draw = () => {
      this.#wanted = false
      this.#drawnAt = performance.now()
      this.#draw()
    }
    setTimeout(() => requestAnimationFrame(draw), this.#drawnAt + this.#every - performance.now())
  }

  #alarm(problem) {
    this.alarmText.textContent = problem.message
    this.alarmBar.hidden = false
  }

  #escape() {
    if (this.#reply) this.#reply = undefined
    else if (this.#panel) this.#panel = undefined
    else this.#open = undefined
    this.#redraw()
  }

  #redraw() {
    this.#drawnFor = undefined
    this.#every = DRAW_EVERY
    this.#draw()
  }

  #begin() {
    const account = this.to.value.trim()
    if (!/^[a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}:[-.%a-zA-Z0-9]{1,128}$/.test(account)) return this.#alarm(new Error(this.t.noAccount))
    this.to.value = ""
    this.alarmBar.hidden = true
    this.#select(account)
  }

  #select(account) {
    this.#open = account
    this.#panel = this.#reply = undefined
    this.#shown = SHOWN
    this.#redraw()
    this.app.querySelector("textarea, .ask button")?.focus()
  }

  #show(panel) {
    this.#panel = this.#panel === panel ? undefined : panel
    this.#redraw()
  }

  #draw() {
    const { state, why } = this.messenger
    write(this.stateLine, state === "offline" && why ? `${this.t.offline}: ${why}` : this.t[state])
    this.stateLine.className = `state ${state}`
    this.app.dataset.open = Boolean(this.#open || this.#panel)
    this.lists.draw(this.#open, this.#found)
    this.#drawPane()
  }

  #drawPane() {
    const { t } = this
    if (this.#panel === "own") return this.#drawOnce("own", () => this.#ownPane())
    if (!this.#open) return this.#drawOnce("none", () => [h("p", { class: "note", text: t.choose })])
    const chat = this.messenger.chat(this.#open) ?? { account: this.#open, status: "accepted", messages: [], unread: 0 }
    if (this.#panel === "details") return this.#drawOnce(`details ${this.#open} ${chat.status} ${this.messenger.devices(this.#open).map(({ device }) => device)}`, () => this.#detailsPane(chat))
    this.#drawOnce(`chat ${this.#open} ${chat.status} ${this.#reply?.id}`, () => this.#chatPane(chat))
    const isAll = this.log.draw(chat.messages, this.#shown)
    this.#every = isAll ? DRAW_EVERY : CROWD_EVERY
    if (!isAll) this.#want()
    this.sending.draw(this.#open)
    write(this.typingLine, this.messenger.isTyping(this.#open) ? `${short(this.#open)} ${t.typing}` : "")
    if (chat.unread && document.visibilityState === "visible") this.messenger.read(this.#open)
  }

  #drawOnce(what, make) {
    if (this.#drawnFor === what) return
    this.#drawnFor = what
    const hadFocus = this.pane.contains(this.pane.getRootNode().activeElement)
    this.pane.replaceChildren(...make())
    if (hadFocus) this.pane.querySelector("textarea, button:not(.back)")?.focus()
  }

  #bar(title, ...more) {
    const back = h("button", { type: "button", class: "back", "aria-label": this.t.back, text: "‹", onclick: () => ((this.#open = this.#panel = undefined), this.#redraw()) })
    return h("div", { class: "bar" }, back, h("strong", { class: "cut grow", text: short(title), title }), ...more)
  }

  #closing() {
    return h("button", { type: "button", text: this.t.close, onclick: () => this.#show(undefined) })
  }

  #chatPane({ account, status }) {
    const { t, messenger, feed } = this
    const reply = (message) => {
      this.#reply = message
      this.#redraw()
      this.app.querySelector("textarea")?.focus()
    }
    const earlier = () => {
      this.#shown += SHOWN
      this.#draw()
    }
    this.log = new Log({ account, isTrusted: status === "accepted", messenger, t, feed, reply, earlier })
    this.typingLine = h("div", { class: "note", role: "status" })
    const parts = [this.#bar(account, h("button", { type: "button", text: t.details, onclick: () => this.#show("details") })), this.log.node, this.typingLine, this.sending.node]
    if (status === "request") return [...parts, this.#ask(account, t.requestWhy, ["accept", "block"])]
    if (status === "blocked") return [...parts, this.#ask(account, t.blocked, ["unblock"])]
    const answered = () => {
      this.#reply = undefined
      this.#redraw()
    }
    return [...parts, ...composer(account, { messenger, t, reply: this.#reply, answered, alarm: (problem) => this.#alarm(problem) })]
  }

  #ask(account, why, verdicts) {
    const verdict = (name) => (name === "unblock" ? "accept" : name)
    const buttons = verdicts.map((name, i) => h("button", { type: "button", class: i ? "" : "main", text: this.t[name], onclick: () => this.messenger.decide(account, verdict(name)).catch(() => {}) }))
    return h("div", { class: "ask" }, h("span", { class: "grow", text: why }), ...buttons)
  }

  #detailsPane(chat) {
    const { messenger, wallet, t } = this
    return [this.#bar(chat.account, this.#closing()), details(chat, { messenger, wallet, t, redraw: () => this.#redraw() })]
  }

  #ownPane() {
    const { messenger, t } = this
    return [this.#bar(messenger.me.account, this.#closing()), ownPanel({ messenger, t, wipe: () => this.onWipe() })]
  }
}
