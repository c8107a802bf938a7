// Prisma's WebAssembly engine, answering in the shape of the native one.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { bindAdapter } from '@prisma/driver-adapter-utils'
import * as bindings from '@prisma/query-engine-wasm/postgresql/query_engine_bg.js'
import { openDatabase } from './database.js'
import { readModels, withDriverAdapters } from './schema.js'
import { rawRows, translate, unwrap } from './translate.js'

const WASM = '@prisma/query-engine-wasm/postgresql/query_engine_bg.wasm'
const NO_TRACE = '{}'

export class Engine {
  #engine
  #models

  constructor(schema, url) {
    loadWebAssembly()
    this.#models = readModels(schema)
    const options = { datamodel: withDriverAdapters(schema), logLevel: 'error', logQueries: false }
    this.#engine = new bindings.QueryEngine(options, (log) => console.error(log), bindAdapter(openDatabase(url)))
  }

  connect() {
    return this.#engine.connect(NO_TRACE)
  }

  /** Answer the body of a POST to "/": one query, or a batch of them. */
  async query(body, transactionId) {
    if (!body.batch) return this.#one(translate(body.query, this.#models), transactionId)
    const translated = body.batch.map((each) => translate(each.query, this.#models))
    const batch = { batch: translated.map(({ query }) => query) }
    if (body.transaction) batch.transaction = { isolationLevel: body.isolationLevel ?? null }
    const answer = await this.#run(batch, transactionId)
    if (answer.batchResult) answer.batchResult = answer.batchResult.map((each, i) => present(each, translated[i]))
    return answer
  }

  async startTransaction(options) {
    return JSON.parse(await this.#engine.startTransaction(JSON.stringify(options), NO_TRACE))
  }

  async commit(id) {
    return JSON.parse(await this.#engine.commitTransaction(id, NO_TRACE))
  }

  async rollback(id) {
    return JSON.parse(await this.#engine.rollbackTransaction(id, NO_TRACE))
  }

  async #one(translated, transactionId) {
    return present(await this.#run(translated.query, transactionId), translated)
  }

  async #run(query, transactionId) {
    return JSON.parse(await this.#engine.query(JSON.stringify(query), NO_TRACE, transactionId))
  }
}

/** Give the result the name the client asked for. */
function present(answer, { alias, raw }) {
  if (!answer.data) return answer
  const value = Object.values(answer.data)[0]
  return { ...answer, data: { [alias]: raw ? rawRows(value) : unwrap(value) } }
}

function loadWebAssembly() {
  const file = createRequire(import.meta.url).resolve(WASM)
  const module = new WebAssembly.Module(readFileSync(file))
  const instance = new WebAssembly.Instance(module, { './query_engine_bg.js': bindings })
  bindings.__wbg_set_wasm(instance.exports)
}
