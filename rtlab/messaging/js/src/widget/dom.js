// Elements without HTML: text goes in by textContent only, whatever it holds.

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value)
    else if (name === "text") element.textContent = value
    else if (name === "class") element.className = value
    else element.setAttribute(name, value === true ? "" : value)
  }
  element.append(...children.filter((child) => child !== undefined && child !== null && child !== false))
  return element
}

// eip155:1:0x2c75…5c23
export function short(account) {
  const [family, chain, address] = account.split(":")
  const cut = address.length > 14 ? `${address.slice(0, 6)}…${address.slice(-4)}` : address
  return family === "eip155" && chain !== "1" ? `eip155:${chain}:${cut}` : `${FAMILIES[family] ?? family} ${cut}`
}

const FAMILIES = { eip155: "Ethereum", near: "NEAR", solana: "Solana", polkadot: "Polkadot", bip122: "Bitcoin", cosmos: "Cosmos", tezos: "Tezos" }

// made once: to make one takes longer than to draw a message
const hours = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" })

export const clock = (ms) => hours.format(ms)
