// Embeds the figures of a report, and paints them in the theme that the reader's system prefers.
const given = JSON.parse(document.getElementById("given").textContent)
const prefers = matchMedia("(prefers-color-scheme: dark)")

function wear(model, {attributes, colours}) {
  const kind = model.type === "Figure" ? "Plot" : model.type.endsWith("Axis") ? "Axis" : model.type
  const ours = attributes[kind]
  if (ours != null) model.setv(ours)
  for (const tag of model.tags ?? []) {
    const [property, colour] = String(tag).split("=")
    if (colours[colour] != null) model.setv({[property]: colours[colour]})
  }
}

function paint() {
  const theme = given.themes[prefers.matches ? "dark" : "light"]
  for (const document of Bokeh.documents) {
    for (const model of document.all_models) wear(model, theme)
  }
}

async function show() {
  for (const [id, item] of Object.entries(given.items)) await Bokeh.embed.embed_item(item, id)
  paint()
  prefers.addEventListener("change", paint)
  document.body.dataset.shown = "yes"
}

show()
