// The module that pages load: mount(element, options), and the form that notebooks take (anywidget).

import { mount } from "./widget/mount.js"

export { mount }
export { Messenger } from "./messenger/messenger.js"
export { BrowserStore, MemoryStore } from "./messenger/store.js"
export { localWallet } from "./wallets/local.js"
export { injectedWallets } from "./wallets/injected.js"
export * as identity from "./identity/binding.js"
export * as statement from "./identity/statement.js"
export { Download, Upload } from "./messenger/files.js"
export * as envelope from "./mls/envelope.js"

export default {
  async render({ model, el }) {
    const height = model.get("height") // a number of pixels in Panel, a length of CSS in notebooks, none: all there is
    el.style.height = typeof height === "number" ? `${height}px` : (height ?? "100%")
    const handle = await mount(el, model.get("options"))
    return () => handle.close()
  },
}
