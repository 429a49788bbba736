import swaggerUi from '@fastify/swagger-ui'
import type { Api } from '../api.ts'

/**
 * What a browser may load on the page: only what this service serves. The page has no foreign address in
 * it, and this sees to it that none gets in with a newer version of it.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Adds the page `GET /docs`, which shows the OpenAPI document and sends requests by its examples. */
export function addDocsPage(app: Api): void {
  app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: contentSecurityPolicy,
    theme: { title: 'Posthaste: API' },
    uiConfig: { layout: 'BaseLayout', deepLinking: true, docExpansion: 'list' },
  })
}
