// A fixed number of rows goes round: the oldest is written anew and moved to the top.
function line(kind) {
  const element = document.createElement("div")
  element.className = kind
  const texts = ["time", "price", "size"].map((name) => {
    const cell = element.appendChild(document.createElement("span"))
    cell.className = name
    return cell.appendChild(document.createTextNode(""))
  })
  return { element, texts }
}

export function render({ model }) {
  const root = document.createElement("div")
  const wear = () => { root.className = `rt tape ${model.theme}` }
  wear()
  const empty = root.appendChild(document.createElement("div"))
  empty.className = "empty"
  empty.textContent = `Waiting for a trade of ${model.symbol} …`
  const head = line("line head")
  ;["Time (UTC)", "Price", "Size"].forEach((text, i) => { head.texts[i].data = text })
  const list = document.createElement("div")
  list.className = "lines"
  list.tabIndex = 0 // it scrolls: by keyboard too
  list.setAttribute("role", "group")
  list.setAttribute("aria-label", "Trades, newest first")
  root.append(head.element, list)
  head.element.hidden = list.hidden = true

  const bound = model.rows
  const lines = []  // newest first
  let pending = [], next = 0, waiting = false
  new Keeper({
    title: () => `${model.symbol} trades`,
    head: () => ["time", "price", "size", "taker"],
    rows: () => lines.map(({ element, texts }) => [
      ...texts.map(({ data }) => data.replaceAll(",", "")), element.classList.contains("sold") ? "sold" : "bought"]),
    summary: () => `The newest ${lines.length} trades of ${model.symbol}, newest first.`,
  }, root)
  const paint = () => {
    waiting = false
    if (!empty.hidden) { empty.hidden = true; head.element.hidden = list.hidden = false }
    for (const [time, price, size, sold] of pending) {
      const row = lines.length < bound ? line("") : lines.pop()
      ;[time, price, size].forEach((text, i) => { row.texts[i].data = text })
      row.element.className = `line ${sold ? "sold" : "bought"}`
      list.prepend(row.element)
      lines.unshift(row)
    }
    pending = []
  }
  model.on("msg:custom", ({ first, rows }) => {
    const known = Math.max(0, next - first)  // what was sent again because this view asked for all
    for (let i = 4 * known; i < rows.length; i += 4) pending.push(rows.slice(i, i + 4))
    next = Math.max(next, first + rows.length / 4)
    pending = pending.slice(-bound)
    if (!waiting && pending.length) { waiting = true; requestAnimationFrame(paint) }
  })
  model.on("theme", wear)
  model.send_msg({ ready: true })
  return root
}
