import { Type } from '@sinclair/typebox'
import type { Api } from '../api.ts'
import { sendBody } from './call-deployment.ts'

const schema = {
  operationId: 'getOpenApi',
  tags: ['Service'],
  summary: 'This document',
  security: [],
  response: { 200: Type.Object({ openapi: Type.String() }) },
  replies: { 200: { description: 'The OpenAPI document of the api.' } },
}

/** `GET /openapi.json`: the OpenAPI document of every route that is registered. */
export function addGetOpenApi(app: Api): void {
  let text = ''
  app.addHook('onReady', async () => {
    text = JSON.stringify(app.swagger())
  })
  app.get('/openapi.json', { schema }, async (_request, reply) => sendBody(reply, 200, text))
}
