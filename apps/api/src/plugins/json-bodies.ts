import { CallError } from '@posthaste/core/call-errors'
import { jsonDepth, maxJsonDepth } from '@posthaste/core/json-text'
import type { Api } from '../api.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it was written; `body` is what JSON.parse makes of it. */
    bodyText: string
  }
}

/**
 * Reads every body as JSON, whatever the Content-Type says: `curl -d` sends
 * application/x-www-form-urlencoded, and callers rely on it.
 */
export function addJsonBodies(app: Api): void {
  app.decorateRequest('bodyText', '')
  // A Content-Type that cannot be read would be refused before any parser is asked.
  app.addHook('onRequest', async (request) => {
    request.headers['content-type'] = 'application/json'
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      request.bodyText = decode(body as Buffer)
      // A route without a schema for its body takes none.
      if (body.length === 0 && !request.routeOptions.schema?.body) return done(null)
      const isCall = request.url.startsWith('/v1/')
      done(null, parse(request.bodyText, isCall ? 'JSON like {"data": 10}' : 'a JSON object'))
    } catch (error) {
      done(error as Error)
    }
  })
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function decode(body: Buffer): string {
  try {
    return utf8.decode(body)
  } catch (cause) {
    throw new CallError('invalid_request', 'The body is not UTF-8.', { cause })
  }
}

/** `example` is what a body of the route may be. */
function parse(text: string, example: string): unknown {
  if (text.trim() === '') {
    throw new CallError('invalid_request', `The body is empty; send ${example}.`)
  }
  if (jsonDepth(text) > maxJsonDepth) {
    throw new CallError(
      'invalid_request',
      `The body is nested more than ${maxJsonDepth} levels deep; send a flatter one.`,
    )
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    const detail = (cause as Error).message.slice(0, 200)
    throw new CallError('invalid_request', `The body is not JSON: ${detail}.`, { cause })
  }
}
