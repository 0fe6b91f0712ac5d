// Bundle the sources into dist/messages.js: one ES module without a source map, an absolute path or a time in it.
// `node build.mjs` prints its parts as JSON: {bytes, gzip, sha256, parts: {package: bytes}}.

import { createHash } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

const here = dirname(fileURLToPath(import.meta.url))
// what ts-mls would load for the other suites of MLS; rtlab speaks one, so that these are never asked for
const OTHER_SUITES = /^(@hpke\/(chacha20poly1305|dhkem-x448|hybridkem-x-wing|ml-kem)|@noble\/(post-quantum\/.*|ciphers\/.*|curves\/(ed448|nist)\.js))$/

const leaveOut = {
  name: "other suites",
  setup(into) {
    into.onResolve({ filter: OTHER_SUITES }, ({ path }) => ({ path, namespace: "left-out" }))
    into.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "module.exports = {}" }))
  },
}

const packageOf = (path) => {
  const inner = path.split("node_modules/").pop().split("/")
  if (!path.includes("node_modules/")) return path.startsWith("left-out") ? "left out" : "rtlab"
  return inner[0].startsWith("@") ? `${inner[0]}/${inner[1]}` : inner[0]
}

const out = join(here, "dist")
const result = await build({
  absWorkingDir: here,
  entryPoints: ["src/index.js"],
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "ascii",
  legalComments: "none",
  metafile: true,
  write: false,
  outfile: "dist/messages.js",
  plugins: [leaveOut],
  loader: { ".css": "text" },
})
const bundle = result.outputFiles[0].contents
const parts = {}
for (const [path, { bytesInOutput }] of Object.entries(Object.values(result.metafile.outputs)[0].inputs)) {
  parts[packageOf(path)] = (parts[packageOf(path)] ?? 0) + bytesInOutput
}

const licences = Object.keys(parts)
  .filter((name) => name !== "rtlab" && name !== "left out")
  .sort()
  .map((name) => {
    const folder = join(here, "node_modules", name)
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).sort()
    return `${name} ${version} (${license})\n\n${files.map((file) => readFileSync(join(folder, file), "utf8")).join("\n")}`
  })
mkdirSync(out, { recursive: true })
writeFileSync(join(out, "messages.js"), bundle)
writeFileSync(join(out, "LICENCES.txt"), licences.join(`\n${"-".repeat(78)}\n\n`))
const about = {
  bytes: bundle.length,
  gzip: gzipSync(bundle, { level: 9 }).length,
  sha256: createHash("sha256").update(bundle).digest("hex"),
  parts,
}
writeFileSync(join(out, "about.json"), `${JSON.stringify(about, null, 1)}\n`)
console.log(JSON.stringify(about))
