// What the translation has to know of the Prisma schema: which fields a model has, and their types.

const MODEL = /^model\s+(\w+)\s*\{([^]*?)^\}/gm
const FIELD = /^\s+(\w+)\s+(\w+)(\[\])?/gm

/** Map every model name to a map of its fields: {type, list}. */
export function readModels(schema) {
  const models = new Map()
  for (const [, name, body] of schema.matchAll(MODEL)) {
    const fields = [...body.matchAll(FIELD)].map(([, field, type, list]) => [field, { type, list: Boolean(list) }])
    models.set(name, new Map(fields))
  }
  return models
}

/** The engine built as WebAssembly insists on the feature that lets JavaScript bring the connection. */
export function withDriverAdapters(schema) {
  const generator = 'generator engine {\n  provider        = "none"\n  previewFeatures = ["driverAdapters"]\n}\n'
  return schema.replace(/^generator\s+\w+\s*\{[^]*?^\}/gm, '') + generator
}
