// Cosmos: arbitrary data (ADR-36), an ECDSA signature over a sign document that no chain would take.

import { bech32 } from "@scure/base"
import { base64, equal, unhex, utf8 } from "../bytes.js"
import { IdentityError } from "../errors.js"
import { checkSecp256k1, hash160, need, sha256 } from "./keys.js"

// Gives the Amino sign document of ADR-36: canonical JSON, keys in order.
export const signDocument = (signer, message) =>
  JSON.stringify({
    account_number: "0",
    chain_id: "",
    fee: { amount: [], gas: "0" },
    memo: "",
    msgs: [{ type: "sign/MsgSignData", value: { data: base64(message), signer } }],
    sequence: "0",
  })

function hashOf(address) {
  try {
    const { words } = bech32.decode(address, 90)
    return address === address.toLowerCase() ? bech32.fromWords(words) : new Uint8Array(0)
  } catch {
    throw new IdentityError("an address is no Bech32")
  }
}

export const SCHEMES = {
  adr36(statement, address, binding) {
    if (!statement.account.startsWith("cosmos:")) throw new IdentityError("ADR-36 is for accounts of Cosmos")
    const key = need(unhex(binding.key), 33, "the key of a Cosmos signature")
    if (!equal(hashOf(address), hash160(key))) throw new IdentityError("a key is not that of the Cosmos account")
    checkSecp256k1(key, sha256(utf8(signDocument(address, utf8(binding.statement)))), binding.signature)
  },
}
