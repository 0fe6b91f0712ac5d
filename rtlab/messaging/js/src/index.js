// The module that pages load.

export * as identity from "./identity/binding.js"
export * as statement from "./identity/statement.js"
