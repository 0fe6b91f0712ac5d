// Age is counted here, from the arrival of the last message, so that FROZEN shows even if Python is gone.
const CHECK_MS = 250
const CELLS = [
  ["lag_ms", "Lag", (n) => `${n < 10 ? n.toFixed(1) : Math.round(n)} ms`],
  ["messages_per_s", "Messages", (n) => `${Math.round(n).toLocaleString("en")} /s`],
  ["lagged", "Lagged", (n) => `${n} ×`], ["degraded", "Degraded", (n) => `${n} ×`, true], ["merged", "Merged"], ["dropped", "Dropped", null, true], ["gaps", "Gaps", null, true],
  ["resyncs", "Resyncs", null, true], ["checksum_failures", "Checksum", null, true],
  ["recorder_lag_s", "Recorder", (n) => `${n.toFixed(1)} s behind`], ["unrecorded", "Unrecorded", null, true],
  ["age", "Last message", (n) => `${(n / 1000).toFixed(1)} s ago`],
]

const WHERE_RECORDED = new Set(["recorder_lag_s", "unrecorded"])

export function render({ model }) {
  const root = document.createElement("div")
  const add = (parent, kind, text = "") => {
    const element = parent.appendChild(document.createElement("div"))
    element.className = kind
    return element.appendChild(document.createTextNode(text))
  }
  const pill = add(root, "pill", "WAITING")
  const cells = CELLS.map(([name, label, write, grave]) => {
    const cell = root.appendChild(document.createElement("div"))
    cell.className = "cell"
    add(cell, "label", label)
    return { name, write, grave, cell, value: add(cell, "value", "–") }
  })
  let state = "waiting", told = null, arrived = performance.now(), timer = 0
  const wear = () => { root.className = `rt health ${model.theme} ${state}` }
  wear()
  const put = (node, text) => { if (node.data !== text) node.data = text }
  const check = () => {
    const age = (told?.staleness_ms ?? 0) + performance.now() - arrived
    const stale = age > model.frozen_after_ms && (told === null || ["live", "lagging", "degraded"].includes(told.state))
    const next = told === null ? "waiting" : stale ? "frozen" : told.state
    if (next !== state) {
      state = next
      put(pill, state.toUpperCase())
      wear()
      const still = !["live", "lagging", "degraded"].includes(state)
      root.dispatchEvent(new CustomEvent("rt-liveness", { bubbles: true, composed: true, detail: { still, state } }))
    }
    const { merged, dropped, gaps } = told ?? {}
    const detail = { state, age, merged, dropped, gaps }
    root.dispatchEvent(new CustomEvent("rt-feed", { bubbles: true, composed: true, detail })) // to badges (badge.js)
    return age
  }
  const paint = () => {
    const age = check()
    if (told === null) return
    for (const { name, write, grave, cell, value } of cells) {
      const number = name === "age" ? age : told[name]
      put(value, number == null ? "–" : write ? write(number) : number.toLocaleString("en"))
      cell.classList.toggle("grave", Boolean(grave && number > 0))
      cell.hidden = number == null && WHERE_RECORDED.has(name)
    }
  }
  timer = setInterval(paint, CHECK_MS)  // numbers that change faster cannot be read
  model.on("msg:custom", (message) => {
    const first = told === null
    told = message
    arrived = performance.now()
    first ? paint() : check()
  })
  model.on("theme", wear)
  model.on("remove", () => clearInterval(timer))
  model.send_msg({ ready: true })
  return root
}
