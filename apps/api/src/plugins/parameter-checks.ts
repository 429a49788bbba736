import { CallError } from '@posthaste/core/call-errors'
import { describeValue } from '@posthaste/core/settings'
import type { TObject } from '@sinclair/typebox'
import type { Api } from '../api.ts'

type Texts = Readonly<Record<string, string | string[]>>

/**
 * Refuses what the types of a URL's parameters cannot say. The schema's check would take the last of two
 * that have one name, or 1.5 and `true` for a whole number; and a NUL, which is in no name that there is,
 * would be an error of PostgreSQL.
 */
export function addParameterChecks(app: Api): void {
  app.addHook('preValidation', async ({ params, query, routeOptions }) => {
    checkTexts(params as Texts)
    const schema = routeOptions.schema?.querystring as TObject | undefined
    if (!schema) return
    checkTexts(query as Texts)
    checkQuery(schema, query as Texts)
  })
}

function checkTexts(texts: Texts): void {
  for (const [name, text] of Object.entries(texts)) {
    if (text.includes('\0')) throw invalid(`"${name}" holds a NUL character; leave it out.`)
  }
}

function checkQuery({ properties }: TObject, query: Texts): void {
  for (const [name, text] of Object.entries(query)) {
    // Only its own: every object has a `constructor`.
    if (!Object.hasOwn(properties, name)) continue
    const property = properties[name]!
    if (typeof text !== 'string') throw invalid(`"${name}" is given twice; give it once.`)
    if (text === '') throw invalid(`"${name}" is empty; leave it out, or give it a value.`)
    if (property.type === 'integer' && !/^-?\d+$/.test(text)) {
      throw invalid(`"${name}" is not valid; give ${describeValue(property)}.`)
    }
  }
}

const invalid = (message: string) => new CallError('invalid_request', message)
