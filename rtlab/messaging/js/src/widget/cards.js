// What a message shows that is no text: alerts and files.

import { plainName } from "../messenger/files.js"
import { h } from "./dom.js"

export const sizeText = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`)

export const alertCard = ({ title, text }) => h("div", { class: "card" }, h("strong", { dir: "auto", text: title }), h("div", { dir: "auto", text }))

// A bar with its share in words; `move(done, count)` brings it on.
export function progress(label) {
  const bar = h("progress", { max: "1", value: "0", "aria-label": label })
  const words = h("span", { class: "last", text: "0 %" })
  const move = (done, count) => {
    bar.value = done / count
    words.textContent = `${Math.floor((100 * done) / count)} %`
  }
  return { node: h("span", { class: "row" }, bar, words), move }
}

export function fileCard(message, t, messenger) {
  const name = plainName(message.name)
  const state = h("div", { class: "row" })
  const failed = h("div", { class: "failed", role: "alert", hidden: true })
  const button = h("button", { type: "button", "aria-label": `${t.download} ${name}`, text: t.download, onclick: get })
  async function get() {
    const shown = progress(`${t.download} ${name}`)
    failed.hidden = true
    state.replaceChildren(shown.node)
    try {
      save(name, await messenger.fetch(message, shown.move))
    } catch (problem) {
      failed.textContent = problem.message
      failed.hidden = false
    }
    state.replaceChildren(button)
  }
  state.append(button)
  return h("div", { class: "card" }, h("strong", { class: "cut name", dir: "auto", title: name, text: name }), h("div", { class: "last", text: sizeText(message.size) }), state, failed)
}

// Hands bytes to the browser to save: never as what their sender says that they are, so that nothing opens them here.
function save(name, bytes) {
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }))
  const link = h("a", { href: url, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60000)
}
