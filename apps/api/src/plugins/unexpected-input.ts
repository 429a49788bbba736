import { CallError } from '@posthaste/core/call-errors'
import type { FastifyRequest } from 'fastify'
import type { Api } from '../api.ts'

/**
 * Refuses what a route of the management API takes no notice of: parameters where it has none, and a body
 * where it has none. Who sends them expects something of them. An empty object is let pass, for some
 * clients send one with every POST.
 */
export function addUnexpectedInput(app: Api): void {
  app.addHook('preValidation', async (request) => {
    const { routeOptions, query } = request
    if (!routeOptions.url?.startsWith('/api/')) return
    const { querystring, body } = routeOptions.schema ?? {}
    const [parameter] = querystring ? [] : Object.keys(query as object)
    if (parameter !== undefined) {
      throw invalid(`Unknown parameter ${quote(parameter)}; this request takes none.`)
    }
    if (!body && hasBody(request)) {
      throw invalid(`This ${request.method} takes no body; send it without.`)
    }
  })
}

/** The body of a GET is not read, so its headers tell; they do for a body that cannot be read, too. */
function hasBody({ method, headers, body }: FastifyRequest): boolean {
  if (method !== 'GET' && method !== 'HEAD') {
    return typeof body === 'object' ? Object.keys(body ?? {}).length > 0 : body !== undefined
  }
  return Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined
}

const quote = (text: string) => JSON.stringify(text.slice(0, 100))
const invalid = (message: string) => new CallError('invalid_request', message)
