// sqlite-vec behind lines of JSON: node serve_sqlite_vec.mjs PACKAGES ROWS DIMS. ROWS is a file of float32, row-major. It times itself.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'

const [packages, rows, dims] = process.argv.slice(2)
const { getLoadablePath } = createRequire(`${packages}/package.json`)('sqlite-vec')
const db = new DatabaseSync(':memory:', { allowExtension: true })
db.loadExtension(getLoadablePath())
db.exec(`create virtual table vectors using vec0(id integer primary key, embedding float[${dims}])`)
const bytes = readFileSync(rows)
const insert = db.prepare('insert into vectors(id, embedding) values (?, ?)')
db.exec('begin')
for (let id = 0, at = 0; at < bytes.length; id++, at += 4 * dims)
  insert.run(BigInt(id), bytes.subarray(at, at + 4 * dims))
db.exec('commit')
const nearest = db.prepare('select id from vectors where embedding match ? and k = ? order by distance')

console.log(JSON.stringify({ version: db.prepare('select vec_version() as version').get().version }))
for await (const line of createInterface({ input: process.stdin })) {
  const { query, k } = JSON.parse(line)
  const vector = Buffer.from(query, 'base64')
  const start = performance.now()
  const found = nearest.all(vector, k)
  console.log(JSON.stringify({ ms: performance.now() - start, ids: found.map(({ id }) => id) }))
}
