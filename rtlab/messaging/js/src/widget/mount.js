// Put the messages on a page: `mount(element, options)` gives {messenger, close()}.
//
// options: url (of the relay, ws:// or wss://), directory (its name; the host of the url, without a port, where none
// is given), storage ("browser", the default where a page may have any, or "memory"), name (of the storage), theme
// ("light", "dark"), texts, testWallets (families to offer; none by default), wallet (taken without asking), resolver,
// token, feed (URL of the feed that draws shared prices and charts: that of the relay's gateway where none is given;
// false for none). MessagingError for an element that is not there, and for options that are missing or not known.

import { Feed } from "../market/feed.js"
import { Messenger } from "../messenger/messenger.js"
import { BrowserStore, MemoryStore } from "../messenger/store.js"
import { injectedWallets } from "../wallets/injected.js"
import { localWallet } from "../wallets/local.js"
import { h } from "./dom.js"
import { check } from "./options.js"
import style from "./style.css"
import { TEXTS } from "./texts.js"
import { View } from "./view.js"

const HANDOVER = 700 // ms, in which a page that is being reloaded lets go

// One tab owns a device: two that step the same groups would use a key twice.
async function owned(name) {
  if (!navigator.locks) return () => {}
  let release
  const held = await new Promise((resolve) => {
    navigator.locks
      .request(name, { signal: AbortSignal.timeout(HANDOVER) }, () => {
        resolve(true)
        return new Promise((done) => (release = done))
      })
      .catch(({ name }) => resolve(!["AbortError", "TimeoutError"].includes(name))) // else a page without an origin of its own: nothing is stored, and nobody shares it
  })
  return held ? (release ?? (() => {})) : undefined
}

async function storeOf({ storage, name }) {
  if (storage === "memory") return new MemoryStore()
  try {
    return await BrowserStore.open(name)
  } catch (problem) {
    if (storage === "browser") throw problem
    return new MemoryStore() // a sandboxed frame has no storage
  }
}

export async function mount(element, options) {
  check(element, options)
  const t = { ...TEXTS, ...options.texts }
  const name = options.name ?? "rtlab-messages"
  const root = element.shadowRoot ?? element.attachShadow({ mode: "open" })
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(style)
  root.adoptedStyleSheets = [sheet]
  if (options.theme) element.setAttribute("theme", options.theme)
  const show = (...nodes) => root.replaceChildren(...nodes)
  const page = (...inner) => h("div", { class: "app" }, h("header", {}, h("h2", { text: t.title })), h("div", { class: "full" }, ...inner))

  const release = options.storage === "memory" ? () => {} : await owned(name)
  if (!release) {
    show(page(h("p", { text: t.elsewhere }), h("button", { class: "main", text: t.retry, onclick: () => mount(element, options) })))
    return { close: () => show() }
  }
  const messenger = new Messenger({ ...options, directory: options.directory ?? new URL(options.url).hostname, store: await storeOf({ ...options, name }) })
  const me = await messenger.load()
  let feed
  const handle = {
    messenger,
    close() {
      messenger.close().finally(release)
      feed?.close()
      show()
    },
  }

  async function enter(wallet) {
    try {
      await messenger.signIn(wallet)
    } catch (problem) {
      return choose(problem)
    }
    const feedUrl = options.feed ?? new URL("/", options.url).href
    feed = feedUrl ? new Feed(feedUrl, options.token) : undefined
    const view = new View(messenger, wallet, t, feed)
    view.onWipe = async () => {
      messenger.relay.close()
      await messenger.wipe()
      handle.close()
      await navigator.locks?.request(name, () => {}).catch(() => {}) // until it is given back
      Object.assign(handle, await mount(element, { ...options, wallet: undefined }))
    }
    show(view.element)
    messenger.connect()
    return handle
  }

  async function choose(problem) {
    const wallets = await injectedWallets()
    const tests = (options.testWallets ?? []).map((family) => localWallet(family))
    const marked = (wallet) => h("span", {}, h("span", { class: "test", text: t.testMark }), " ", button(wallet))
    const trying = () => [h("strong", { text: t.testWallet }), h("p", { text: t.testWalletWhy }), h("div", { class: "row" }, ...tests.map(marked))]
    const button = (wallet) => h("button", { type: "button", class: wallet.isTest ? "" : "main", text: wallet.name, onclick: () => enter(wallet) })
    show(
      page(
        h("strong", { text: t.signIn }), h("p", { text: t.signInWhy }),
        problem && h("p", { class: "failed", role: "alert", text: problem.message }),
        wallets.length ? h("div", { class: "row" }, ...wallets.map(button)) : h("p", { text: t.noWallet }),
        ...(tests.length ? trying() : []),
      ),
    )
  }

  if (options.wallet) await enter(options.wallet)
  else if (me) await enter({ account: async () => me.account, sign: () => Promise.reject(new Error(t.signIn)) })
  else await choose()
  return handle
}
