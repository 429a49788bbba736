import type { IncomingHttpHeaders } from 'node:http'
import { addHealthRoutes } from '@posthaste/process/health'
import Fastify from 'fastify'
import { formatPage } from './page.ts'
import { formatWebhookLine, type ReceivedWebhook } from './received-webhook.ts'
import type { CheckSignature } from './signature-check.ts'

const maxBodyBytes = 10 * 1024 * 1024
const keptWebhooks = 100
const keptCharacters = 2_000
const webhookRoute = '/webhook'

/**
 * A receiver that takes a POST on any path: 204, or 401 where the signature is bad. Each is printed as
 * a line; `GET /` shows the latest 100.
 */
export function buildApp(parts: {
  checkSignature: CheckSignature
  print: (line: string) => void
  now: () => Date
}) {
  const { checkSignature, print, now } = parts
  const latest: ReceivedWebhook[] = []

  const app = Fastify({
    bodyLimit: maxBodyBytes,
    forceCloseConnections: true,
    // A receiver's path is its own: one that the router cannot decode is as good as any.
    rewriteUrl: ({ method, url }) => (method === 'POST' ? webhookRoute : url!),
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  // A content type that is no content type is the sender's affair too.
  app.addHook('onRequest', async ({ method, headers }) => {
    if (method === 'POST') headers['content-type'] = 'application/octet-stream'
  })
  addHealthRoutes(app, async () => undefined)

  app.post(webhookRoute, async (request, reply) => {
    const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
    const webhook: ReceivedWebhook = {
      at: now(),
      url: request.originalUrl,
      attempt: readHeader(request.headers, 'x-posthaste-attempt'),
      batchId: readHeader(request.headers, 'x-mb-batch-id'),
      signature: checkSignature(request.headers, body),
      body: body.toString('utf8', 0, keptCharacters),
    }
    print(formatWebhookLine(webhook))
    latest.unshift(webhook)
    latest.splice(keptWebhooks)

    if (webhook.signature !== 'bad') return reply.code(204).send()
    return reply.code(401).send({ error: 'The webhook is not signed, or was signed too long ago.' })
  })

  app.get('/', async (_request, reply) => reply.type('text/html').send(formatPage(latest)))
  return app
}

const readHeader = (headers: IncomingHttpHeaders, name: string) => headers[name]?.toString() ?? '-'
