// Ethereum: personal messages (EIP-191) and typed data (EIP-712); contract wallets (EIP-1271) by a resolver.

import { concat, hex, utf8 } from "../bytes.js"
import { IdentityError } from "../errors.js"
import { keccak256, recoverSecp256k1 } from "./keys.js"
import { written } from "./statement.js"

const NOTICES = {
  speak: "This device will read and write messages as this account until it expires. It moves no funds.",
  revoke: "This device will no longer be believed to speak for this account. It moves no funds.",
}
const DOMAIN = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
]
const DEVICE = [
  { name: "notice", type: "string" },
  { name: "account", type: "string" },
  { name: "device", type: "bytes32" },
  { name: "directory", type: "string" },
  { name: "issued", type: "string" },
  { name: "expires", type: "string" },
  { name: "nonce", type: "bytes32" },
]

export function withChecksum(digits) {
  const low = digits.toLowerCase()
  const check = hex(keccak256(utf8(low)))
  return "0x" + Array.from(low, (c, i) => (parseInt(check[i], 16) > 7 ? c.toUpperCase() : c)).join("")
}

export const addressOf = (key) => withChecksum(hex(keccak256(key).subarray(12)))

export const personalDigest = (message) =>
  keccak256(concat(utf8(`\x19Ethereum Signed Message:\n${message.length}`), message))

// Gives what `eth_signTypedData_v4` takes for a statement.
export const typedData = (statement) => ({
  types: { EIP712Domain: DOMAIN, Device: DEVICE },
  primaryType: "Device",
  domain: { name: "rtlab messaging", version: "1", chainId: Number(statement.account.split(":")[1]) },
  message: {
    notice: NOTICES[statement.purpose ?? "speak"],
    account: statement.account,
    device: `0x${hex(statement.device)}`,
    directory: statement.directory,
    issued: written(statement.issued),
    expires: written(statement.expires),
    nonce: `0x${hex(statement.nonce)}`,
  },
})

export function structHash(types, name, values) {
  const described = `${name}(${types[name].map((field) => `${field.type} ${field.name}`).join(",")})`
  return keccak256(concat(keccak256(utf8(described)), ...types[name].map(({ name, type }) => encoded(type, values[name]))))
}

function encoded(type, value) {
  if (type === "string") return keccak256(utf8(value))
  if (type === "bytes32") return Uint8Array.from(value.slice(2).match(/../g), (pair) => parseInt(pair, 16))
  const digits = (type === "address" ? value.slice(2).toLowerCase() : BigInt(value).toString(16)).padStart(64, "0")
  return Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16))
}

export function typedDigest({ types, primaryType, domain, message }) {
  return joined(structHash(types, "EIP712Domain", domain), structHash(types, primaryType, message))
}

export const joined = (domain, struct) => keccak256(concat(Uint8Array.of(0x19, 1), domain, struct))

function checkAccount({ account }, address) {
  if (!/^eip155:[1-9][0-9]{0,15}:/.test(account)) throw new IdentityError("a scheme of Ethereum is for accounts of eip155")
  if (!/^0x[0-9a-fA-F]{40}$/.test(address) || withChecksum(address.slice(2)) !== address) {
    throw new IdentityError("an Ethereum address has a wrong checksum (EIP-55)")
  }
}

function check(address, binding, digest) {
  if (binding.key) throw new IdentityError("an Ethereum signature comes without a key")
  const signer = addressOf(recoverSecp256k1(digest, binding.signature))
  if (signer !== address) throw new IdentityError(`another Ethereum account signed this statement: ${signer}`)
}

export const SCHEMES = {
  eip191(statement, address, binding) {
    checkAccount(statement, address)
    check(address, binding, personalDigest(utf8(binding.statement)))
  },
  eip712(statement, address, binding) {
    checkAccount(statement, address)
    check(address, binding, typedDigest(typedData(statement)))
  },
  async eip1271(statement, address, binding, resolver) {
    checkAccount(statement, address)
    if (!resolver?.isValidSignature) throw new IdentityError("a contract wallet (EIP-1271) is asked on its chain: no resolver is given for that")
    const digest = personalDigest(utf8(binding.statement))
    if ((await resolver.isValidSignature(statement.account, digest, binding.signature)) !== true) {
      throw new IdentityError("the contract wallet says that it did not sign this statement")
    }
  },
}
