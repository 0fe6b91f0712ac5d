// MLS (RFC 9420, suite 0x0001) by ts-mls: key packages, and one group a conversation with one leaf a device.
//
// A group is a value: every step gives a new one, and the old one stays as it was until `wipe`, which the step also
// gives, overwrites the keys that it used. Whoever steps keeps the new one, then wipes; what is sent or acknowledged was
// saved before. The keys of skipped messages are kept for a window of 1,000 and for the last epochs: within them a
// leaked device can still read what it was sent and had not yet received.

import {
  createApplicationMessage, createCommit, createGroup, decodeGroupState, decodeMlsMessage, defaultAuthenticationService,
  defaultKeyPackageEqualityConfig, emptyPskIndex, encodeGroupState, encodeMlsMessage, generateKeyPackageWithKey,
  joinGroup, processPrivateMessage, processPublicMessage, zeroOutUint8Array,
} from "ts-mls"
import { ed25519 } from "@noble/curves/ed25519.js"
import { equal, hex } from "../bytes.js"
import { MessagingError, UnreadableError } from "../errors.js"
import { LARGEST, pad, unpad } from "./padding.js"
import { SUITE, suite } from "./suite.js"

export const WINDOW = 1000
const EPOCHS = 4
const DAY = 86400
const CAPABILITIES = { versions: ["mls10"], ciphersuites: [SUITE], extensions: [], proposals: [], credentials: ["basic"] }
const LARGEST_MLS = 2 * LARGEST // bytes of any message of MLS that is read

export function newDevice() {
  const secretKey = ed25519.utils.randomSecretKey()
  return { secretKey, publicKey: ed25519.getPublicKey(secretKey) }
}

// Credentials are checked by `check` of `open` and by who joins: those who would be in the group, all at once.
const config = () => ({
  authService: defaultAuthenticationService,
  keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
  keyRetentionConfig: { retainKeysForGenerations: WINDOW, retainKeysForEpochs: EPOCHS, maximumForwardRatchetSteps: WINDOW },
  lifetimeConfig: { maximumTotalLifetime: BigInt(91 * DAY), validateLifetimeOnReceive: false },
  paddingConfig: { kind: "alwaysPad", paddingLength: 0 },
})

// A key package of a device: {encoded, secret}, both bytes and plain values that can be saved.
export async function newKeyPackage(device, binding, now, days) {
  const lifetime = { notBefore: BigInt(now - 3600), notAfter: BigInt(now + days * DAY) }
  const keys = { signKey: device.secretKey, publicKey: device.publicKey }
  const credential = { credentialType: "basic", identity: binding }
  const { publicPackage, privatePackage } = await generateKeyPackageWithKey(credential, CAPABILITIES, lifetime, [], keys, await suite())
  const encoded = encodeMlsMessage({ version: "mls10", wireformat: "mls_key_package", keyPackage: publicPackage })
  return { encoded, secret: { init: privatePackage.initPrivateKey, hpke: privatePackage.hpkePrivateKey } }
}

const privatePackage = (device, { init, hpke }) => ({ initPrivateKey: init, hpkePrivateKey: hpke, signaturePrivateKey: device.secretKey })

function decoded(bytes, ...wireformats) {
  if (bytes.length > LARGEST_MLS) throw new UnreadableError("a message of MLS is too large")
  let found
  try {
    found = decodeMlsMessage(bytes, 0)
  } catch {
    throw new UnreadableError("what came is no message of MLS")
  }
  if (!found || found[1] !== bytes.length || !wireformats.includes(found[0].wireformat)) throw new UnreadableError("what came is no message of MLS of this kind")
  return found[0]
}

// Reads {credential, device, expires} of a key package; the caller verifies the credential.
export function readKeyPackage(encoded, now) {
  const { keyPackage } = decoded(encoded, "mls_key_package")
  const { leafNode, cipherSuite } = keyPackage
  const { notBefore, notAfter } = leafNode.lifetime
  if (cipherSuite !== SUITE || leafNode.credential.credentialType !== "basic") throw new UnreadableError("a key package is of another suite")
  if (Number(notBefore) > now + 300 || Number(notAfter) < now) throw new UnreadableError("a key package is out of its time")
  return { credential: leafNode.credential.identity, device: leafNode.signaturePublicKey, keyPackage }
}

export async function create(id, device, binding, now) {
  const { encoded, secret } = await newKeyPackage(device, binding, now, 90)
  const { keyPackage } = decoded(encoded, "mls_key_package")
  return createGroup(id, keyPackage, privatePackage(device, secret), [], await suite(), config())
}

export async function join(welcome, encodedPackage, secret, device) {
  const { welcome: message } = decoded(welcome, "mls_welcome")
  const { keyPackage } = decoded(encodedPackage, "mls_key_package")
  try {
    return await joinGroup(message, keyPackage, privatePackage(device, secret), emptyPskIndex, await suite(), undefined, undefined, config())
  } catch (problem) {
    throw new UnreadableError(`a welcome cannot be read: ${problem.message}`)
  }
}

// Gives [{leaf, device, credential}] of all members.
export function members(group) {
  const found = []
  group.ratchetTree.forEach((node, at) => {
    if (node?.nodeType === "leaf") found.push({ leaf: at / 2, device: node.leaf.signaturePublicKey, credential: node.leaf.credential.identity })
  })
  return found
}

export const epochOf = (group) => Number(group.groupContext.epoch)
export const groupId = (group) => group.groupContext.groupId
// mls-rs leaves its commits in the clear, signed and with a tag of the members; ts-mls encrypts them
const ofGroup = (payload) => decoded(payload, "mls_private_message", "mls_public_message")
const idIn = ({ privateMessage, publicMessage }) => privateMessage?.groupId ?? publicMessage.content.groupId
export const groupOf = (payload) => idIn(ofGroup(payload))

// Commits: adds key packages, removes devices, or neither: then it only brings new keys. The group that is given holds
// once the relay has ordered the commit; until then the old one does.
export async function commit(group, { add = [], remove = [] } = {}) {
  const leaves = new Map(members(group).map(({ leaf, device }) => [hex(device), leaf]))
  const missing = remove.find((device) => !leaves.has(hex(device)))
  if (missing) throw new MessagingError(`a device is not in the group: ${hex(missing)}`)
  checkLeftHalf(new Set(leaves.values()), remove.map((device) => leaves.get(hex(device))), add.length)
  const proposals = [
    ...remove.map((device) => ({ proposalType: "remove", remove: { removed: leaves.get(hex(device)) } })),
    ...add.map((encoded) => ({ proposalType: "add", add: { keyPackage: decoded(encoded, "mls_key_package").keyPackage } })),
  ]
  const { newState, welcome, commit, consumed } = await createCommit(
    { state: group, cipherSuite: await suite() },
    { extraProposals: proposals, ratchetTreeExtension: true },
  )
  return {
    group: newState,
    wipe: wiping(consumed),
    epoch: epochOf(group),
    commit: encodeMlsMessage(commit),
    welcome: welcome && encodeMlsMessage({ version: "mls10", wireformat: "mls_welcome", welcome }),
  }
}

// ts-mls 1.6.4 takes the secret of a commit from the root, also where the left half of the tree is blank and the root
// is in no filtered path (RFC 9420, section 7.4): others, who do as the RFC says, could not read it. Such a tree is
// never made: who would need it starts a new group.
function checkLeftHalf(leaves, removed, added) {
  removed.forEach((leaf) => leaves.delete(leaf))
  for (let leaf = 0; added > 0; leaf++) {
    if (leaves.has(leaf)) continue
    leaves.add(leaf)
    added--
  }
  let width = 1
  while (width <= Math.max(...leaves)) width *= 2
  if (![...leaves].some((leaf) => leaf < width / 2)) throw new MessagingError("the left half of a group would be empty: start a new one")
}

export async function encrypt(group, content) {
  const { newState, privateMessage, consumed } = await createApplicationMessage(group, pad(content), await suite())
  const payload = encodeMlsMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage })
  return { group: newState, payload, wipe: wiping(consumed) }
}

const wiping = (consumed) => () => consumed.forEach(zeroOutUint8Array)

// Opens a message or a commit of the group: {group, content} or {group, committed: true}. `check(members)` is asked
// about everybody who would be in the group after a commit, and throws to refuse it.
export async function open(group, payload, check) {
  const message = ofGroup(payload)
  if (!equal(idIn(message), groupId(group))) throw new UnreadableError("a message is of another group")
  const result = await processed(group, message)
  if (result.kind === "applicationMessage") {
    return { group: result.newState, content: unpad(result.message), wipe: wiping(result.consumed) }
  }
  if (result.actionTaken === "reject") throw new UnreadableError("a proposal without a commit is not known here")
  await check(members(result.newState))
  return { group: result.newState, committed: true, wipe: wiping(result.consumed) }
}

async function processed(group, { privateMessage, publicMessage }) {
  const judge = (incoming) => (incoming.kind === "commit" ? "accept" : "reject")
  try {
    if (privateMessage) return await processPrivateMessage(group, privateMessage, emptyPskIndex, await suite(), judge)
    return await processPublicMessage(group, publicMessage, emptyPskIndex, await suite(), judge)
  } catch (problem) {
    throw new UnreadableError(`a message cannot be read: ${problem.message}`)
  }
}

export const save = (group) => encodeGroupState(group)

export function restore(saved) {
  const found = decodeGroupState(saved, 0)
  if (!found || found[1] !== saved.length) throw new UnreadableError("a saved group is damaged")
  return { ...found[0], clientConfig: config() }
}
