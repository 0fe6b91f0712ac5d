// Tells Python, ten times a second, the newest drawing that was painted. A hidden tab paints nothing
// (requestAnimationFrame rests), so it answers nothing, and Python sends the newest state on its return.
const EVERY_MS = 100

export function render({ model }) {
  let newest = 0, waiting = false
  const answer = () => {
    waiting = false
    model.send_msg({ painted: newest })
  }
  model.on("msg:custom", ({ sent }) => {
    newest = sent
    if (!waiting) {
      waiting = true
      setTimeout(() => requestAnimationFrame(answer), EVERY_MS)
    }
  })
  model.send_msg({ ready: true })
  return document.createElement("div")
}
