// What a plot says of itself in its corner: the state of what feeds it, how much of what is held is drawn and whether
// that is exact, what was merged and dropped on the way, and how old the newest is.
//
// The state is that of the page's feed, where the same page shows its health (health.js says it four times a second);
// else it is told by how long nothing came. Where there is room all counts are written; a zero says something too. Where
// there is none, only what is not zero. Beside the counts of the feed those of the plot are named, and a zero is left to
// them: a bare "0 dropped" would contradict what the page's header says. The badge's title has all of it, in words.

const STALE_MS = 1500 // without news, until it is said
const FEED_MS = 2000 // that what a feed's health said is believed
const TELL_MS = 250
const ROOM_PX = 700 // of a plot in which all counts are written
const FEED_COLOURS = { lagging: "warn", degraded: "warn", connecting: "warn", waiting: "muted" }

const whole_number = new Intl.NumberFormat("en-US")
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 })

// the feed of the page that `root()` is part of; `told` is null where its health is not shown
class Feed {
  constructor(root) {
    this.at = -Infinity
    this.hear = (event) => {
      if (!event.composedPath().includes(root())) return
      this.last = event.detail
      this.at = performance.now()
    }
    document.addEventListener("rt-feed", this.hear)
  }

  get told() {
    return performance.now() - this.at < FEED_MS ? this.last : null
  }

  leave() {
    document.removeEventListener("rt-feed", this.hear)
  }
}

// give [sign, words, colour] of a plot to which nothing came for `quiet` ms, which is `stale` if that is unusual
function state_of({ silent, waiting, paused, quiet, stale }, feed) {
  const seconds = Math.round(quiet / 1000)
  if (silent) return ["○", "no answer", "bad"]
  if (paused) return ["❚❚", "paused", "warn"]
  if (feed && feed.state !== "live") {
    const frozen = feed.state === "frozen" ? ` ${Math.round(feed.age / 1000)} s` : ""
    return [FEED_COLOURS[feed.state] ? "◐" : "○", feed.state + frozen, FEED_COLOURS[feed.state] ?? "bad"]
  }
  if (waiting) return ["○", "waiting", "muted"]
  if (!stale) return ["●", "live", "good"]
  return feed ? ["●", `live, quiet ${seconds} s`, "good"] : ["○", `frozen ${seconds} s`, "bad"]
}

// give the counts as they are written, with all of them where there is `room`; named where those of a feed are shown
function counts_of({ shown, held, unit, exact, merged, dropped, of_merged, of_dropped }, room, feed) {
  const told = [`${whole_number.format(shown)} of ${compact.format(held)} ${unit}`, exact]
  const of = (what) => feed ? `${what} ` : ""
  if (room && (merged || !feed)) told.push(`${compact.format(merged)} ${of(of_merged)}merged`)
  if (dropped || (room && !feed)) told.push(`${compact.format(dropped)} ${of(of_dropped)}dropped`)
  return told.join(" · ")
}

// give all of it in words; `of_merged` and `of_dropped` say what these counts are of
function words_of({ merged, dropped, of_merged, of_dropped, quiet }, feed) {
  const own = `${whole_number.format(merged)} ${of_merged} merged, ${whole_number.format(dropped)} ${of_dropped} dropped; ` +
    `newest came ${(quiet / 1000).toFixed(1)} s ago`
  if (!feed) return own
  const lost = ["merged", "dropped", "gaps"].map((name) => `${whole_number.format(feed[name] ?? 0)} ${name}`).join(", ")
  return `${own}\nFeed: ${feed.state}, ${lost}; last message ${(feed.age / 1000).toFixed(1)} s ago`
}

// The badge of a panel of HTML. `told()` gives what counts_of() and words_of() take, or null before there is anything.
class Badge {
  constructor(view, place, told) {
    this.told = told
    this.came_at = performance.now()
    this.feed = new Feed(() => view.root.el)
    this.element = place.appendChild(document.createElement("div"))
    this.element.className = "held"
    this.element.hidden = true
    this.state = this.element.appendChild(document.createElement("b"))
    this.counts = this.element.appendChild(document.createTextNode(""))
    this.telling = setInterval(() => this.tell(), TELL_MS)
  }

  get words() {
    return this.element.hidden ? "" : `${this.element.textContent}. ${this.element.title}.`
  }

  // something new came
  came() {
    this.came_at = performance.now()
  }

  tell() {
    const told = this.told()
    this.element.hidden = !told
    if (!told) return
    const quiet = performance.now() - this.came_at, feed = this.feed.told
    const [sign, word, colour] = state_of({ quiet, stale: quiet >= STALE_MS, ...told }, feed)
    const state = `${sign} ${word}`, counts = ` · ${counts_of(told, this.element.parentNode.clientWidth >= ROOM_PX, feed)}`
    if (this.state.textContent !== state) this.state.textContent = state
    if (this.counts.data !== counts) this.counts.data = counts
    this.state.style.color = `var(--rt-${colour})`
    const words = words_of({ quiet, ...told }, feed)
    if (this.element.title !== words) this.element.title = words
    this.element.parentNode.classList.toggle("frozen", colour === "bad")
  }

  leave() {
    clearInterval(this.telling)
    this.feed.leave()
  }
}
