// What is seen of a messenger: conversations on one side, the open one on the other. It only draws what the messenger
// knows, and is drawn anew when that has changed: in the next frame, and in a crowd of changes five times a second.

import { LARGEST } from "../messenger/files.js"
import { alertCard, fileCard, progress, sizeText } from "./cards.js"
import { clock, h, short } from "./dom.js"
import { asked, marketCard } from "./market_cards.js"

// an element whose text is the same is left alone, for it would be laid out, and read out, again
const write = (element, text) => element.textContent !== text && (element.textContent = text)

const SHOWN = 200 // messages drawn at once
const DRAW_EVERY = 200 // ms

export class View {
  #open
  #reply
  #shown = SHOWN
  #drawn = new Map()
  #wanted = false
  #drawnAt = -DRAW_EVERY
  #isAtEnd = true // of the log
  #typedAt = 0
  #found = ""
  #bars = new WeakMap()
  #panel

  constructor(messenger, wallet, t, feed) {
    this.messenger = messenger
    this.wallet = wallet
    this.t = t
    this.feed = feed
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
    this.lists = h("div")
    const side = h("nav", { class: "side", "aria-label": t.conversations }, begin, h("div", { class: "line", role: "search" }, find), this.lists)
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
    setTimeout(() => requestAnimationFrame(draw), this.#drawnAt + DRAW_EVERY - performance.now())
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
    this.#draw()
  }

  #begin() {
    const account = this.to.value.trim()
    if (!/^[a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}:[-.%a-zA-Z0-9]{1,128}$/.test(account)) return this.#alarm(new Error(`${this.t.newLabel}: ${this.t.newPlaceholder}`))
    this.to.value = ""
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
    const { state } = this.messenger
    write(this.stateLine, this.t[state])
    this.stateLine.className = `state ${state}`
    this.app.dataset.open = Boolean(this.#open || this.#panel)
    this.#drawLists()
    this.#drawPane()
  }

  #drawLists() {
    const { t } = this
    if (this.#found) {
      this.lists.dataset.seen = ""
      const hits = this.messenger.search(this.#found).slice(-50)
      const rows = hits.map(({ account, message }) => h("li", {}, h("button", { type: "button", onclick: () => this.#select(account) }, h("span", { class: "cut", text: short(account) }), h("span", { class: "last", text: clock(message.at) }), h("span", { class: "last cut", text: message.text }))))
      this.lists.replaceChildren(hits.length ? h("ul", {}, ...rows) : h("p", { class: "note", text: t.noMatch }))
      return
    }
    const chats = this.messenger.chats()
    const seen = JSON.stringify(chats.map((chat) => [chat.account, chat.status, chat.unread, chat.account === this.#open, this.messenger.isTyping(chat.account), chat.messages.at(-1)?.id]))
    if (this.lists.dataset.seen === seen) return
    this.lists.dataset.seen = seen
    const part = (title, some) => (some.length ? [h("h3", { text: title }), h("ul", {}, ...some.map((chat) => this.#row(chat)))] : [])
    const requests = chats.filter(({ status }) => status === "request")
    const others = chats.filter(({ status }) => status !== "request")
    const focused = this.lists.getRootNode().activeElement?.dataset?.account
    this.lists.replaceChildren(...part(t.requests, requests), ...part(t.conversations, others), ...(chats.length ? [] : [h("p", { class: "note", text: t.nobody })]))
    if (focused) [...this.lists.querySelectorAll("button")].find((one) => one.dataset.account === focused)?.focus()
  }

  #row({ account, unread, messages }) {
    const last = messages.at(-1)
    const text = last ? (last.text ?? last.title ?? last.name ?? `/${last.kind} ${last.instrument ?? ""}`) : ""
    const current = account === this.#open
    return h(
      "li", {},
      h("button", { type: "button", "data-account": account, "aria-current": String(current), title: account, onclick: () => this.#select(account) },
        h("span", { class: "cut", text: short(account) }), unread && !current ? h("span", { class: "count", text: unread }) : h("span"),
        h("span", { class: "last cut", text: this.messenger.isTyping(account) ? this.t.typing : text })),
    )
  }

  #drawnFor

  #drawPane() {
    const { t } = this
    if (this.#panel === "own") return this.#drawOnce("own", () => this.#ownPanel())
    if (!this.#open) return this.#drawOnce("none", () => [h("p", { class: "note", text: t.choose })])
    const chat = this.messenger.chat(this.#open) ?? { account: this.#open, status: "accepted", messages: [], unread: 0 }
    if (this.#panel === "details") return this.#drawOnce(`details ${this.#open} ${chat.status} ${this.messenger.devices(this.#open).map(({ device }) => device)}`, () => this.#details(chat))
    this.#drawOnce(`chat ${this.#open} ${chat.status} ${this.#reply?.id}`, () => this.#chatPane(chat))
    this.#drawLog(chat)
    this.#drawTransfers()
    write(this.typingLine, this.messenger.isTyping(this.#open) ? `${short(this.#open)} ${t.typing}` : "")
    if (chat.unread && document.visibilityState === "visible") this.messenger.read(this.#open)
  }

  #drawOnce(what, make) {
    if (this.#drawnFor === what) return
    this.#drawnFor = what
    this.#drawn.clear()
    const hadFocus = this.pane.contains(this.pane.getRootNode().activeElement)
    this.pane.replaceChildren(...make())
    if (hadFocus) this.pane.querySelector("textarea, button:not(.back)")?.focus()
  }

  #bar(title, ...more) {
    const back = h("button", { type: "button", class: "back", "aria-label": this.t.back, text: "‹", onclick: () => ((this.#open = this.#panel = undefined), this.#redraw()) })
    return h("div", { class: "bar" }, back, h("strong", { class: "cut grow", text: short(title), title }), ...more)
  }

  #chatPane(chat) {
    const { t } = this
    this.#isAtEnd = true
    // measured when it was scrolled, for while it is drawn it would have to be laid out to be measured
    const onscroll = () => (this.#isAtEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 40)
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": short(chat.account), tabindex: "0", onscroll })
    this.typingLine = h("div", { class: "last", role: "status", style: undefined })
    this.typingLine.className = "note"
    const details = h("button", { type: "button", text: t.details, onclick: () => this.#show("details") })
    this.transferList = h("div")
    const parts = [this.#bar(chat.account, details), this.log, this.typingLine, this.transferList]
    if (chat.status === "request") return [...parts, this.#ask(chat, t.requestWhy, ["accept", "block"])]
    if (chat.status === "blocked") return [...parts, this.#ask(chat, t.blocked, ["unblock"])]
    return [...parts, ...this.#composer(chat)]
  }

  #ask({ account }, why, verdicts) {
    const verdict = (name) => (name === "unblock" ? "accept" : name)
    const buttons = verdicts.map((name, i) => h("button", { type: "button", class: i ? "" : "main", text: this.t[name], onclick: () => this.messenger.decide(account, verdict(name)).catch(() => {}) }))
    return h("div", { class: "ask" }, h("span", { class: "grow", text: why }), ...buttons)
  }

  #composer({ account }) {
    const { t } = this
    const box = h("textarea", { rows: "1", "aria-label": t.message, placeholder: t.message, maxlength: "8000" })
    const send = () => {
      const text = box.value.trim()
      if (!text) return
      box.value = ""
      box.style.height = ""
      this.#typedAt = 0
      const reply = this.#reply?.id
      this.#reply = undefined
      this.messenger.send(account, { ...(asked(text) ?? { kind: "text", text }), ...(reply && { reply }) }).catch(() => {
        box.value ||= text
      })
      if (reply) this.#redraw()
    }
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
      event.preventDefault()
      send()
    })
    box.addEventListener("input", () => {
      box.style.height = "36px"
      box.style.height = `${Math.min(120, box.scrollHeight + 2)}px`
      if (Date.now() - this.#typedAt > 3000 && this.messenger.chat(account)) {
        this.#typedAt = Date.now()
        this.messenger.typing(account).catch(() => {})
      }
    })
    const file = h("input", { type: "file", hidden: true, onchange: () => this.#attach(account, file) })
    const attach = h("button", { type: "button", "aria-label": t.attach, title: t.attach, text: "+", onclick: () => file.click() })
    const line = h("div", { class: "compose" }, file, attach, box, h("button", { type: "button", class: "main", text: t.send, onclick: send }))
    if (!this.#reply) return [line]
    const drop = h("button", { type: "button", text: t.cancel, onclick: () => ((this.#reply = undefined), this.#redraw()) })
    return [h("div", { class: "ask" }, h("span", { class: "grow cut", text: `${t.replyTo}: ${this.#reply.text}` }), drop), line]
  }

  async #attach(account, input) {
    const [file] = input.files
    input.value = ""
    if (!file) return
    try {
      if (file.size > LARGEST) throw new Error(`${file.name}: ${sizeText(file.size)}. ${this.t.tooLarge}`)
      await this.messenger.attach(account, { name: file.name, type: file.type, bytes: new Uint8Array(await file.arrayBuffer()) })
    } catch (problem) {
      this.#alarm(problem)
    }
  }

  // what is being sent to the open account, each with its bar
  #drawTransfers() {
    for (const transfer of this.messenger.transfers) {
      if (transfer.account !== this.#open) continue
      if (!this.#bars.has(transfer)) {
        const bar = progress(`${this.t.sending} ${transfer.name}`)
        const cancel = h("button", { type: "button", text: this.t.cancel, onclick: () => (transfer.cancelled = true) })
        this.#bars.set(transfer, { ...bar, row: h("div", { class: "ask" }, h("span", { class: "grow cut", text: transfer.name }), bar.node, cancel) })
      }
      this.#bars.get(transfer).move(transfer.done, transfer.count)
    }
    const rows = [...this.messenger.transfers].filter(({ account }) => account === this.#open).map((one) => this.#bars.get(one).row)
    if (rows.length !== this.transferList.childNodes.length || rows.some((row, i) => row !== this.transferList.childNodes[i])) this.transferList.replaceChildren(...rows)
  }

  #drawLog({ messages }) {
    const shown = messages.slice(-this.#shown)
    const nodes = shown.map((message) => {
      const drawn = this.#drawn.get(message.id)
      if (drawn) {
        if (drawn.message !== message) this.#restate(drawn, message) // that it was sent, delivered, read: nothing else
        return drawn.node
      }
      const node = this.#said(message, messages)
      this.#drawn.set(message.id, { message, node })
      return node
    })
    if (messages.length > shown.length) nodes.unshift(h("button", { type: "button", text: this.t.earlier, onclick: () => ((this.#shown += SHOWN), this.#draw()) }))
    if (this.#place(nodes) && this.#isAtEnd) this.log.scrollTop = this.log.scrollHeight
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
    const old = [...this.log.childNodes].filter((node) => !wanted.has(node))
    let hasChanged = old.length > 0
    let at = this.log.firstChild
    for (const node of nodes) {
      while (at && !wanted.has(at)) at = at.nextSibling
      if (node === at) at = at.nextSibling
      else {
        this.log.insertBefore(node, at)
        hasChanged = true
      }
    }
    old.forEach((node) => node.remove())
    return hasChanged
  }

  #said(message, messages) {
    const { t } = this
    const quoted = message.reply && messages.find(({ id }) => id === message.reply)
    const reply = h("button", { type: "button", text: t.reply, onclick: () => ((this.#reply = message), this.#redraw(), this.app.querySelector("textarea")?.focus()) })
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
    const isTrusted = message.mine || this.messenger.chat(message.account)?.status === "accepted"
    if (message.kind === "price" || message.kind === "chart") return marketCard(message, this.t, this.feed, isTrusted)
    if (message.kind === "alert") return alertCard(message)
    if (message.kind === "file") return fileCard(message, this.t, this.messenger)
    return h("div", { dir: "auto", text: message.text ?? message.name ?? message.kind })
  }

  #details({ account, status }) {
    const { t, messenger } = this
    const number = messenger.safetyNumber(account)
    const own = messenger.me.account
    const rows = messenger.devices(account).map(({ device, account: whose, mine }) =>
      h("li", { class: "row" }, h("code", { text: `${device.slice(0, 16)}…` }), h("span", { text: `${whose === own ? t.mine : short(whose)}${mine ? `, ${t.thisDevice}` : ""}` }),
        whose === own && !mine && h("button", { type: "button", text: t.revoke, onclick: () => messenger.revoke(device, this.wallet).then(() => this.#redraw(), () => {}) })),
    )
    const verdict = status === "blocked" ? "accept" : "block"
    return [
      this.#bar(account, h("button", { type: "button", text: t.close, onclick: () => this.#show(undefined) })),
      h("div", { class: "full" },
        h("code", { text: account }),
        h("strong", { text: t.safety }), h("p", { text: t.safetyWhy }), h("div", { class: "digits", text: number ?? "–" }),
        h("strong", { text: t.devices }), h("ul", {}, ...rows),
        h("button", { type: "button", text: t[status === "blocked" ? "unblock" : "block"], onclick: () => messenger.decide(account, verdict).then(() => this.#redraw(), () => {}) })),
    ]
  }

  #ownPanel() {
    const { t, messenger } = this
    const sure = h("div", { class: "row", hidden: true }, h("span", { text: t.wipeSure }), h("button", { type: "button", class: "main", text: t.wipe, onclick: () => this.onWipe() }))
    return [
      this.#bar(messenger.me.account, h("button", { type: "button", text: t.close, onclick: () => this.#show(undefined) })),
      h("div", { class: "full" },
        h("strong", { text: t.own }), h("code", { class: "own", text: messenger.me.account }),
        h("strong", { text: t.wipe }),
        h("button", { type: "button", text: t.wipe, onclick: () => (sure.hidden = false) }), sure),
    ]
  }
}
