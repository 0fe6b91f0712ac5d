// The depth chart, and what is kept of it: its steps, best first.

export function render({ model, view }) {
  const root = document.createElement("div")
  const place = root.appendChild(document.createElement("div"))
  place.className = "whole"
  place.append(model.get_child("chart"))
  let told = null
  const badge = new Badge(view, root, () => told && {
    shown: told.shown, held: told.held, unit: "levels", exact: told.exact ? "exact" : "steps left out",
    merged: told.merged, of_merged: "updates", dropped: 0, of_dropped: "updates",
  })
  model.on("remove", () => badge.leave())
  model.on("msg:custom", (message) => {
    told = message
    badge.came()
  })
  const wear = () => { root.className = `rt depth-face ${model.theme}` }
  model.on("theme", wear)
  wear()

  when_drawn(model, view, "depth", unreachable)
  const plot = () => figure_below(view, "depth")
  const levels = () => {
    // each source has one more, where its side begins at zero; bids are drawn from the lowest on
    const [bids, asks] = plot().model.renderers.slice(0, 2).map(({ data_source: { data } }) =>
      [...data.x].map((price, i) => [price, data.y[i]]).filter(([, quantity]) => quantity))
    return { bids: bids.reverse(), asks }
  }
  new Keeper({
    title: () => `${model.symbol} depth`,
    head: () => ["side", "price", "quantity up to it"],
    rows: () => Object.entries(levels()).flatMap(([side, rows]) => rows.map((row) => [side.slice(0, 3), ...row])),
    summary: () => {
      const told = Object.entries(levels()).map(([side, rows]) =>
        rows.length ? `${number(rows.at(-1)[1])} ${side} from ${number(rows[0][0])} to ${number(rows.at(-1)[0])}` : `no ${side}`)
      return `Depth of ${model.symbol}: ${told.join("; ")}. ${badge.words}`
    },
    picture: () => plot().export("auto", true).canvas,
  }, root)
  return root
}
