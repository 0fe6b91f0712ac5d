// A member commits a stranger into a conversation of two: `node messaging_stranger.mjs SOURCES` prints what came of it.

const load = (name) => import(`${process.argv[2]}/src/${name}`)
const [mls, people, bindings, wallets, statements, bytes] = await Promise.all(
  ["mls/group.js", "messenger/people.js", "identity/binding.js", "wallets/local.js", "identity/statement.js", "bytes.js"].map(load),
)
const now = Math.floor(Date.now() / 1000)
async function somebody(family) {
  const wallet = wallets.localWallet(family)
  const device = mls.newDevice()
  const account = await wallet.account()
  const statement = { account, device: device.publicKey, directory: "relay", issued: now, expires: now + 999, nonce: bytes.random(32) }
  const text = statements.write(statement)
  const { signature } = await wallet.sign(statement, text)
  const binding = bindings.encode({ scheme: wallet.scheme, statement: text, key: "", signature })
  return { account, device, binding, pack: await mls.newKeyPackage(device, binding, now, 30) }
}
const [alice, bob, mallory] = [await somebody("ethereum"), await somebody("solana"), await somebody("near")]
const accounts = [alice.account, bob.account]
const check = (members) => people.checkMembers(members, { accounts, directory: "relay", now })
let made = await mls.commit(await mls.create(bytes.random(16), alice.device, alice.binding, now), { add: [bob.pack.encoded] })
let ours = made.group
let theirs = await mls.join(made.welcome, bob.pack.encoded, bob.pack.secret, bob.device)
await check(mls.members(theirs))
const evil = await mls.commit(theirs, { add: [mallory.pack.encoded] })
const told = {}
try { await mls.open(ours, evil.commit, check); told.commit = "accepted" } catch (problem) { told.commit = problem.name }
const said = await mls.encrypt(theirs, bytes.utf8("genuine"))
told.after = bytes.text((await mls.open(ours, said.payload, check)).content)
told.epoch = mls.epochOf(ours)
const forged = { ...mls.members(ours)[1], credential: mallory.binding }
try { await check([forged]); told.credential = "accepted" } catch (problem) { told.credential = problem.name }
console.log(JSON.stringify(told))
