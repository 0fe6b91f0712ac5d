// Where a message is written, and what is being sent.

import { LARGEST } from "../messenger/files.js"
import { progress, sizeText } from "./cards.js"
import { h } from "./dom.js"
import { asked } from "./market_cards.js"

const TYPED_EVERY = 3000 // ms, in which the other side is told once that somebody writes

// Gives the nodes. `reply` is the message that is answered, if any, and `answered()` is called when it is no more;
// `alarm(problem)` hears why a file is not sent.
export function composer(account, { messenger, t, reply, answered, alarm }) {
  let typedAt = 0
  const box = h("textarea", { rows: "1", "aria-label": t.message, placeholder: t.message, maxlength: "8000" })
  const send = () => {
    const text = box.value.trim()
    if (!text) return
    box.value = ""
    box.style.height = ""
    typedAt = 0
    messenger.send(account, { ...(asked(text) ?? { kind: "text", text }), ...(reply && { reply: reply.id }) }).catch(() => {
      box.value ||= text
    })
    if (reply) answered()
  }
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
    event.preventDefault()
    send()
  })
  box.addEventListener("input", () => {
    box.style.height = "36px"
    box.style.height = `${Math.min(120, box.scrollHeight + 2)}px`
    if (Date.now() - typedAt > TYPED_EVERY && messenger.chat(account)) {
      typedAt = Date.now()
      messenger.typing(account).catch(() => {})
    }
  })
  const file = h("input", { type: "file", hidden: true, onchange: () => attach(account, file, { messenger, t, alarm }) })
  const choose = h("button", { type: "button", "aria-label": t.attach, title: t.attach, text: "+", onclick: () => file.click() })
  const line = h("div", { class: "compose" }, file, choose, box, h("button", { type: "button", class: "main", text: t.send, onclick: send }))
  if (!reply) return [line]
  const drop = h("button", { type: "button", text: t.cancel, onclick: answered })
  return [h("div", { class: "ask" }, h("span", { class: "grow cut", text: `${t.replyTo}: ${reply.text}` }), drop), line]
}

async function attach(account, input, { messenger, t, alarm }) {
  const [file] = input.files
  input.value = ""
  if (!file) return
  try {
    if (file.size > LARGEST) throw new Error(`${file.name}: ${sizeText(file.size)}. ${t.tooLarge}`)
    await messenger.attach(account, { name: file.name, type: file.type, bytes: new Uint8Array(await file.arrayBuffer()) })
  } catch (problem) {
    alarm(problem)
  }
}

// What is being sent to an account, each file with its bar.
export class Sending {
  #bars = new WeakMap()

  constructor(messenger, t) {
    Object.assign(this, { messenger, t })
    this.node = h("div")
  }

  draw(account) {
    const wanted = [...this.messenger.transfers].filter((transfer) => transfer.account === account)
    const rows = wanted.map((transfer) => {
      if (!this.#bars.has(transfer)) this.#bars.set(transfer, this.#bar(transfer))
      const { move, row } = this.#bars.get(transfer)
      move(transfer.done, transfer.count)
      return row
    })
    const { childNodes } = this.node
    if (rows.length !== childNodes.length || rows.some((row, i) => row !== childNodes[i])) this.node.replaceChildren(...rows)
  }

  #bar(transfer) {
    const { node, move } = progress(`${this.t.sending} ${transfer.name}`)
    const cancel = h("button", { type: "button", text: this.t.cancel, onclick: () => (transfer.cancelled = true) })
    return { move, row: h("div", { class: "ask" }, h("span", { class: "grow cut", text: transfer.name }), node, cancel) }
  }
}
