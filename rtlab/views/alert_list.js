// The newest alert on top; a screen reader hears each one when it comes.
export function render({ model }) {
  const root = document.createElement("div")
  const wear = () => { root.className = `rt alerts ${model.theme}` }
  wear()
  const empty = root.appendChild(document.createElement("div"))
  empty.className = "empty"
  empty.textContent = "No alert so far"
  const list = root.appendChild(document.createElement("ol"))
  list.setAttribute("role", "log")
  list.setAttribute("aria-label", "Alerts")
  let next = 0
  model.on("msg:custom", ({ first, rows }) => {
    const known = Math.max(0, next - first)
    for (const [time, text, fresh] of rows.slice(known)) {
      const item = document.createElement("li")
      item.className = fresh ? "fresh" : ""
      const when = item.appendChild(document.createElement("time"))
      when.textContent = time
      const what = item.appendChild(document.createElement("span"))
      what.className = "text"
      what.textContent = text
      list.prepend(item)
    }
    next = Math.max(next, first + rows.length)
    while (list.children.length > model.rows) list.lastChild.remove()
    empty.hidden = list.children.length > 0
  })
  model.on("theme", wear)
  model.send_msg({ ready: true })
  return root
}
