// prisma-client-py speaks GraphQL, the WebAssembly engine only Prisma's JSON protocol: this turns one into the other.
import { Kind, parse } from 'graphql'

const ACTION = new RegExp(
  '^(findUnique|findFirst|findMany|createOne|createMany|updateOne|updateMany|upsertOne' +
    '|deleteOne|deleteMany|aggregate|groupBy|queryRaw|executeRaw)(.*?)(OrThrow)?$',
)
// Below a relation stands either an operation on the related model or, in filters, a field of it.
const OPERATIONS = new Set(
  ('create connect connectOrCreate createMany update updateMany upsert delete deleteMany disconnect set ' +
    'is isNot some every none where data skipDuplicates').split(' '),
)
// These operations hold further operations ({where, data}, {where, create}), the others hold fields.
const ENVELOPES = new Set(['connectOrCreate', 'createMany', 'updateMany', 'upsert'])
// Operators of a Json filter whose operand is itself JSON; the rest (path, string_contains, …) take plain values.
const JSON_OPERATORS = new Set(
  'equals not set array_contains array_starts_with array_ends_with lt lte gt gte'.split(' '),
)

/** Translate one GraphQL document (the client uses no variables); returns the query and how to present its result. */
export function translate(source, models) {
  const root = parse(source, { noLocation: true }).definitions[0].selectionSet.selections[0]
  const field = root.name.value
  const found = ACTION.exec(field)
  if (!found) throw new Error(`the query engine cannot translate the operation ${field}`)
  const [, action, modelName, orThrow = ''] = found
  const translator = new Translator(models)
  const model = models.get(modelName)
  const query = { action: action + orThrow, query: translator.fieldQuery(root, model) }
  if (modelName) query.modelName = modelName
  return { query, alias: root.alias?.value ?? field, raw: action === 'queryRaw' }
}

class Translator {
  constructor(models) {
    this.models = models
  }

  fieldQuery(node, model) {
    return { arguments: this.args(node, model), selection: this.selection(node, model) }
  }

  args(node, model) {
    return Object.fromEntries(node.arguments.map((arg) => [arg.name.value, this.fields(arg.value, model)]))
  }

  selection(node, model) {
    const entries = (node.selectionSet?.selections ?? []).map((child) => {
      const name = child.name.value
      if (!child.selectionSet && !child.arguments.length) return [name, true]
      return [name, this.fieldQuery(child, this.models.get(model?.get(name)?.type) ?? model)]
    })
    return Object.fromEntries(entries)
  }

  /** A value whose keys are fields of `model` (or AND, OR, NOT and compound keys, which lead to fields again). */
  fields(node, model) {
    return this.#each(node, (key, value) => {
      const field = model?.get(key)
      if (!field) return this.fields(value, model)
      if (field.type === 'Json') return this.json(value)
      const related = this.models.get(field.type)
      return related ? this.operations(value, related, field.list) : this.plain(value)
    })
  }

  /** A value below a relation to `model`. */
  operations(node, model, list) {
    return this.#each(node, (key, value) => {
      if (!OPERATIONS.has(key)) return this.fields(wrap(key, value), model)[key]
      const envelope = ENVELOPES.has(key) || (key === 'update' && (list || isEnvelope(value)))
      return envelope ? this.operations(value, model, list) : this.fields(value, model)
    })
  }

  /** A value of a Json column, or a filter on one: the client sends JSON as text, the engine wants it marked. */
  json(node) {
    if (node.kind === Kind.STRING) return { $type: 'Json', value: node.value }
    if (node.kind === Kind.ENUM) return { $type: 'Enum', value: node.value }
    return this.#each(node, (key, child) => (JSON_OPERATORS.has(key) ? this.json(child) : this.plain(child)), (item) =>
      this.json(item),
    )
  }

  plain(node) {
    return this.#each(node, (_, value) => this.plain(value))
  }

  #each(node, member, item) {
    switch (node.kind) {
      case Kind.OBJECT:
        return Object.fromEntries(node.fields.map((f) => [f.name.value, member(f.name.value, f.value)]))
      case Kind.LIST:
        return node.values.map(item ?? ((each) => this.#each(each, member)))
      default:
        return scalar(node)
    }
  }
}

function scalar(node) {
  switch (node.kind) {
    case Kind.NULL:
      return null
    case Kind.INT: {
      const number = Number(node.value)
      return Number.isSafeInteger(number) ? number : { $type: 'BigInt', value: node.value }
    }
    case Kind.FLOAT:
      return Number(node.value)
    default:
      return node.value // a string, a boolean, or an enum by its name
  }
}

function wrap(key, value) {
  return { kind: Kind.OBJECT, fields: [{ name: { value: key }, value }] }
}

function isEnvelope(node) {
  return node.kind === Kind.OBJECT && node.fields.some((field) => field.name.value === 'data')
}

/** The JSON protocol answers with typed values ({$type, value}); the GraphQL client wants them bare. */
export function unwrap(value) {
  if (Array.isArray(value)) return value.map(unwrap)
  if (value === null || typeof value !== 'object') return value
  if ('$type' in value) return value.value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unwrap(item)]))
}

/** Rows of a raw query: the engine sends a table, prisma-client-py 0.11 reads a typed value per cell. */
export function rawRows({ columns, types, rows }) {
  return rows.map((row) => Object.fromEntries(row.map((value, i) => [columns[i], cell(types[i], value)])))
}

function cell(type, value) {
  if (value === null) return { prisma__type: 'null', prisma__value: null }
  if (!type.endsWith('-array')) return { prisma__type: type, prisma__value: value }
  const item = type.slice(0, -'-array'.length)
  return { prisma__type: 'array', prisma__value: value.map((each) => cell(item, each)) }
}
