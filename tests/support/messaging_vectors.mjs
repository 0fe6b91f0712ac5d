// Runs what the tests of messaging run in JavaScript: `node messaging_vectors.mjs SOURCES FIXTURES VECTORS`.
// Prints one JSON object: by file or fixture how many cases agreed, what was skipped and why, and every difference.

import { readFileSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { gunzipSync } from "node:zlib"

const [sources, fixtures, vectors, hpkeVectors] = process.argv.slice(2)
const load = (name) => import(pathToFileURL(`${sources}/${name}`))
const [bytes, binding, bitcoin, chains, ethereum, keys, { suite }] = await Promise.all(
  ["bytes", "identity/binding", "identity/bitcoin", "identity/ed25519_chains", "identity/ethereum", "identity/keys", "mls/suite"].map((name) => load(`src/${name}.js`)),
)
const { x25519 } = await load("node_modules/@noble/curves/ed25519.js")
const { chacha20poly1305 } = await load("node_modules/@noble/ciphers/chacha.js")
const { unhex, hex, utf8 } = bytes
const report = {}

function tally(name) {
  return (report[name] ??= { agreed: 0, skipped: {}, differences: [] })
}

// `check` gives true for accepted; throwing is refusing
async function expect(name, label, wanted, check) {
  const into = tally(name)
  let got
  try {
    got = (await check()) !== false
  } catch {
    got = false
  }
  if (wanted === null || wanted === got) into.agreed++
  else into.differences.push(`${label}: expected ${wanted}, got ${got}`)
}

function skip(name, why) {
  const into = tally(name)
  into.skipped[why] = (into.skipped[why] ?? 0) + 1
}

async function bindings() {
  const { now, device, directory, cases } = JSON.parse(readFileSync(fixtures))
  for (const one of cases) {
    await expect("bindings", `${one.wallet} ${one.case}`, one.genuine, async () => {
      await binding.verify(binding.decode(utf8(one.binding)), { device: unhex(device), directory, now })
    })
  }
}

const read = (name) => JSON.parse(readFileSync(`${vectors}/${name}`))
const wycheproof = (name) => JSON.parse(gunzipSync(readFileSync(`${vectors}/wycheproof/${name}_test.json.gz`)))
const wanted = { valid: true, invalid: false, acceptable: null }
const same = (one, other) => hex(one) === other

async function eachCase(name, check) {
  for (const group of wycheproof(name).testGroups) {
    for (const one of group.tests) await expect(name, `tcId ${one.tcId}`, wanted[one.result], () => check(one, group))
  }
}

async function aesGcm(one, group) {
  const key = await crypto.subtle.importKey("raw", unhex(one.key), "AES-GCM", false, ["decrypt"])
  const sealed = bytes.concat(unhex(one.ct), unhex(one.tag))
  const how = { name: "AES-GCM", iv: unhex(one.iv), additionalData: unhex(one.aad), tagLength: group.tagSize }
  return same(new Uint8Array(await crypto.subtle.decrypt(how, key, sealed)), one.msg)
}

async function hkdf(one) {
  const { kdf } = await suite() // the one of MLS here
  const secret = await kdf.extract(unhex(one.salt), unhex(one.ikm))
  return same(await kdf.expand(secret, unhex(one.info), one.size), one.okm)
}

async function primitives() {
  await eachCase("ed25519", (one, group) => keys.checkEd25519(unhex(group.publicKey.pk), unhex(one.msg), unhex(one.sig)))
  await eachCase("ecdsa_secp256k1_sha256_bitcoin", (one, group) => {
    const point = unhex(group.publicKey.uncompressed)
    const key = bytes.concat(Uint8Array.of(2 + (point[64] & 1)), point.subarray(1, 33))
    keys.checkSecp256k1(key, keys.sha256(unhex(one.msg)), keys.fromDer(unhex(one.sig)))
  })
  await eachCase("x25519", (one) => same(x25519.getSharedSecret(unhex(one.private), unhex(one.public)), one.shared))
  await eachCase("hkdf_sha256", hkdf)
  await eachCase("chacha20_poly1305", (one) => same(chacha20poly1305(unhex(one.key), unhex(one.iv), unhex(one.aad)).decrypt(unhex(one.ct + one.tag)), one.msg))
  for (const group of wycheproof("aes_gcm").testGroups) {
    for (const one of group.tests) {
      if (group.ivSize !== 96) skip("aes_gcm", "the IV is not of 96 bits, which MLS never uses")
      else if (group.keySize === 192) skip("aes_gcm", "AES-192 is not in browsers, and in no suite of MLS")
      else await expect("aes_gcm", `tcId ${one.tcId}`, wanted[one.result], () => aesGcm(one, group))
    }
  }
}

async function chainsVectors() {
  const simple = read("bip322.json")
  for (const { address, message, sigs } of simple.simple) {
    for (const sig of sigs) await expect("bip322", message, true, () => bitcoin.checkSimple(address, utf8(message), sig))
  }
  for (const { address, message, sig } of simple.error) await expect("bip322", `error ${sig}`, false, () => bitcoin.checkSimple(address, utf8(message), sig))
  const { eip191, eip712_httpOrigin } = read("eip.json")
  const digest = ethereum.personalDigest(utf8(eip191.message))
  await expect("eip191", "digest", true, () => same(digest, eip191.hash.slice(2)))
  await expect("eip191", "signer", true, () => {
    const key = bytes.concat(Uint8Array.of(4), keys.recoverSecp256k1(digest, unhex(eip191.signature.slice(2))))
    return ethereum.addressOf(key.subarray(1)) === "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
  })
  const signer = ({ v, r, s }, digest) => ethereum.addressOf(keys.recoverSecp256k1(digest, bytes.concat(unhex(r.slice(2)), unhex(s.slice(2).padStart(64, "0")), Uint8Array.of(v))))
  await expect("eip712", "example", true, () => signer(eip712_httpOrigin, unhex(eip712_httpOrigin.digest.slice(2))).toLowerCase() === eip712_httpOrigin.signer)
  await mail()
  const near = read("nep413_example.json")
  await expect("nep413", "digest", true, () => same(chains.nearDigest(near.message, unhex(near.nonce_hex), near.recipient, near.callbackUrl), near.sha256))

  async function mail() {
    const example = read("eip712_mail.json")
    const { types, primaryType, domain, message } = example.typed
    const nested = { ...message, from: ethereum.structHash(types, "Person", message.from), to: ethereum.structHash(types, "Person", message.to) }
    const described = "Mail(Person from,Person to,string contents)Person(string name,address wallet)"
    const struct = keys.keccak256(bytes.concat(keys.keccak256(utf8(described)), nested.from, nested.to, keys.keccak256(utf8(message.contents))))
    const digest = ethereum.joined(ethereum.structHash(types, "EIP712Domain", domain), struct)
    await expect("eip712", `${primaryType} digest`, true, () => same(digest, example.digest))
    await expect("eip712", `${primaryType} signer`, true, () => signer(example, digest) === example.signer)
  }
}

async function mailchain() {
  const file = read("mailchain_vectors.json")
  const key = (name) => {
    const [, owner, kind] = /^(Alice|Bob)(ED25519|SECP256K1|SECP256R1)PublicKey$/.exec(name)
    return { kind, raw: file.keys[kind === "ED25519" ? `${owner}_ed25519_pub` : `${owner}_secp256k1_pub_uncompressed`] }
  }
  for (const one of file.eth_personal) {
    const { kind, raw } = key(one.key)
    await expect("mailchain eth_personal", one.name, one.expected === "true", () => {
      if (kind !== "SECP256K1") throw new Error("another curve")
      return same(keys.recoverSecp256k1(ethereum.personalDigest(utf8(one.message)), unhex(one.signature)), raw.slice(2))
    })
  }
  for (const one of file.tezos_micheline) {
    const { kind, raw } = key(one.key)
    if (kind === "SECP256R1") {
      skip("mailchain tezos_micheline", "keys of secp256r1 (tz3) are not in the file, and no scheme of rtlab")
      continue
    }
    const digest = chains.tezosDigest(`Tezos Signed Message: ${one.message}`)
    await expect("mailchain tezos_micheline", one.name, one.expected === "true", () => {
      if (kind === "ED25519") return keys.checkEd25519(unhex(raw), digest, unhex(one.signature))
      return keys.checkSecp256k1(bytes.concat(Uint8Array.of(2 + (parseInt(raw.slice(-1), 16) & 1)), unhex(raw.slice(2, 66))), digest, unhex(one.signature))
    })
  }
  for (const name of ["ecdh_ed25519", "nacl_public_key_decrypt", "secretbox"]) {
    for (const _ of file[name]) skip(`mailchain ${name}`, "Mailchain's own ECDH and boxes of NaCl: rtlab encrypts by MLS and has none")
  }
}

// MLS takes HPKE in its base mode, with X25519, HKDF-SHA256 and AES-128-GCM
async function hpke() {
  const { Aes128Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } = await load("node_modules/@hpke/core/esm/mod.js")
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes128Gcm() })
  const buffer = (digits) => unhex(digits).buffer
  for (const one of JSON.parse(readFileSync(hpkeVectors))) {
    if (one.kem_id !== 32 || one.kdf_id !== 1 || one.aead_id !== 1) skip("rfc9180", "another suite than MLS 0x0001 has")
    else if (one.mode !== 0) skip("rfc9180", "another mode than the base mode, which is all that MLS takes")
    else {
      const recipientKey = await suite.kem.deriveKeyPair(buffer(one.ikmR))
      await expect("rfc9180", "public key", true, async () => same(new Uint8Array(await suite.kem.serializePublicKey(recipientKey.publicKey)), one.pkRm))
      const context = await suite.createRecipientContext({ recipientKey, enc: buffer(one.enc), info: buffer(one.info) })
      for (const { aad, ct, pt } of one.encryptions) {
        await expect("rfc9180", "opened", true, async () => same(new Uint8Array(await context.open(buffer(ct), buffer(aad))), pt))
      }
      for (const { exporter_context, L, exported_value } of one.exports) {
        await expect("rfc9180", "exported", true, async () => same(new Uint8Array(await context.export(buffer(exporter_context), L)), exported_value))
      }
    }
  }
}

await bindings()
if (hpkeVectors) await hpke()
if (vectors) {
  await primitives()
  await chainsVectors()
  await mailchain()
}
console.log(JSON.stringify(report))
