// The one cipher suite of MLS that is spoken, 0x0001, as ts-mls takes it. HPKE and AES-GCM are WebCrypto's; signatures
// are the browser's where it has them. A message takes seven secrets, one from the other: noble derives one in less
// time than a browser takes to hand it to another thread and back.

import { expand, extract } from "@noble/hashes/hkdf.js"
import { sha256 } from "@noble/hashes/sha2.js"
import { getCiphersuiteFromName, getCiphersuiteImpl } from "ts-mls"
import { sign, verify } from "./ed25519.js"

export const SUITE = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"

const kdf = {
  extract: async (salt, secret) => extract(sha256, secret, salt),
  expand: async (secret, info, length) => expand(sha256, secret, info, length),
  size: 32,
}

let loading
export const suite = () =>
  (loading ??= getCiphersuiteImpl(getCiphersuiteFromName(SUITE)).then((impl) => ({ ...impl, kdf, signature: { ...impl.signature, sign, verify } })))
