// The program prisma-client-py starts as its query engine: `PROGRAM -p PORT …`, told the rest by its environment.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { Engine } from './engine.js'

const NO_METRICS = { counters: [], gauges: [], histograms: [] }

const { values: args } = parseArgs({ options: { port: { type: 'string', short: 'p' } }, strict: false })
const { PRISMA_DML_PATH, DATABASE_URL, OVERWRITE_DATASOURCES } = process.env
const url = OVERWRITE_DATASOURCES ? JSON.parse(OVERWRITE_DATASOURCES)[0].url : DATABASE_URL

const engine = new Engine(readFileSync(PRISMA_DML_PATH, 'utf8'), url)
const connected = engine.connect()

const routes = [
  ['GET', /^\/status$/, () => ({ status: 'ok' })],
  ['GET', /^\/metrics/, () => NO_METRICS],
  ['POST', /^\/$/, (body, _, request) => engine.query(body, request.headers['x-transaction-id'])],
  ['POST', /^\/transaction\/start$/, (body) => engine.startTransaction(body)],
  ['POST', /^\/transaction\/([^/]+)\/commit$/, (_, [, id]) => engine.commit(id)],
  ['POST', /^\/transaction\/([^/]+)\/rollback$/, (_, [, id]) => engine.rollback(id)],
]

async function answer(request) {
  const body = await readJson(request)
  await connected
  for (const [method, path, handle] of routes) {
    const match = request.method === method && path.exec(request.url)
    if (match) return [200, await handle(body, match, request)]
  }
  return [404, { error: `no such route: ${request.method} ${request.url}` }]
}

async function readJson(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return chunks.length ? JSON.parse(Buffer.concat(chunks)) : {}
}

/** What the engine throws is itself JSON where it is the engine's own error. */
function failure(error) {
  const message = error instanceof Error ? error.message : String(error)
  let known = {}
  try {
    known = JSON.parse(message)
  } catch {
    console.error(`query engine: ${error.stack ?? message}`)
  }
  const user_facing_error = { is_panic: false, message, meta: {}, ...known }
  return { errors: [{ error: user_facing_error.message, user_facing_error }] }
}

const server = createServer({ keepAliveTimeout: 0 }, async (request, response) => {
  const [status, body] = await answer(request).catch((error) => [200, failure(error)])
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
})
server.listen(Number(args.port), '127.0.0.1')

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0))

// A proxy that was killed cannot stop its engine: leave when the parent has gone.
const parent = process.ppid
setInterval(() => process.ppid === parent || process.exit(0), 1000).unref()
