// What is shown in place of a conversation: of its other side, and of this device.

import { h, short } from "./dom.js"

// Gives what is in the details of a conversation: whom it is with, by which devices, and what both sides compare.
export function details({ account, status }, { messenger, wallet, t, redraw }) {
  const own = messenger.me.account
  const rows = messenger.devices(account).map(({ device, account: whose, mine }) =>
    h("li", { class: "row" }, h("code", { text: `${device.slice(0, 16)}…` }), h("span", { text: `${whose === own ? t.mine : short(whose)}${mine ? `, ${t.thisDevice}` : ""}` }),
      whose === own && !mine && h("button", { type: "button", text: t.revoke, onclick: () => messenger.revoke(device, wallet).then(redraw, () => {}) })),
  )
  const isBlocked = status === "blocked"
  return h("div", { class: "full" },
    h("code", { text: account }),
    h("strong", { text: t.safety }), h("p", { text: t.safetyWhy }), h("div", { class: "digits", text: messenger.safetyNumber(account) ?? "–" }),
    h("strong", { text: t.devices }), h("ul", {}, ...rows),
    h("button", { type: "button", text: t[isBlocked ? "unblock" : "block"], onclick: () => messenger.decide(account, isBlocked ? "accept" : "block").then(redraw, () => {}) }))
}

// Gives what is shown of this device's own account, and the button that wipes it.
export function ownPanel({ messenger, t, wipe }) {
  const sure = h("div", { class: "row", hidden: true }, h("span", { text: t.wipeSure }), h("button", { type: "button", class: "main", text: t.wipe, onclick: wipe }))
  return h("div", { class: "full" },
    h("strong", { text: t.own }), h("code", { class: "own", text: messenger.me.account }),
    h("strong", { text: t.wipe }),
    h("button", { type: "button", text: t.wipe, onclick: () => (sure.hidden = false) }), sure)
}
