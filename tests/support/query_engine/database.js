// The connection to PostgreSQL that the engine uses, from the URL the client was given.
import pg from 'pg'
import { PrismaPg } from '@prisma/adapter-pg'

const MAX_CONNECTIONS = 10
const TEXT = 25
const TEXT_ARRAY = 1009
// Types of the system catalogue that the adapter refuses and the native engine reads as text.
const READ_AS = new Map([
  [18, TEXT], // "char"
  [19, TEXT], // name
  [705, TEXT], // unknown
  [1003, TEXT_ARRAY], // name[]
  [2205, TEXT], // regclass
  [2278, TEXT], // void
])
for (const [type, like] of READ_AS) pg.types.setTypeParser(type, pg.types.getTypeParser(like))

class Client extends pg.Client {
  query(config, values, callback) {
    const done = typeof values === 'function' ? values : callback
    if (!done) return super.query(config, values).then(readable)
    return super.query(config, values, (error, result) => done(error, result && readable(result)))
  }
}

function readable(result) {
  for (const field of result.fields ?? []) field.dataTypeID = READ_AS.get(field.dataTypeID) ?? field.dataTypeID
  return result
}

/** Open a pool; `?host=/folder` names a Unix socket, as in libpq. */
export function openDatabase(url) {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url)
  const pool = new pg.Pool({
    Client,
    host: searchParams.get('host') ?? hostname,
    port: Number(port) || 5432,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password) || undefined,
    database: decodeURIComponent(pathname.slice(1)),
    max: MAX_CONNECTIONS,
    options: '-c TimeZone=UTC', // the adapter drops the offset of a timestamp, so it has to be zero
  })
  pool.on('error', (error) => console.error(`query engine: idle connection lost: ${error.message}`))
  return new PrismaPg(pool, { schema: searchParams.get('schema') ?? 'public' })
}
