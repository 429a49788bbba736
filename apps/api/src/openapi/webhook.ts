import { schemaRef } from './components.ts'
import { errorNotes } from './errors.ts'
import { exampleIds } from './examples.ts'
import { requestHeaders } from './headers.ts'

const header = (name: string, description: string, schema: object, example: unknown) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema,
  example,
})
const text = { type: 'string' }
const { error } = errorNotes.deployment_error

/** What is posted to `response_webhook`, for the OpenAPI document. See docs/receiving-webhooks.md. */
export const webhooks = {
  result: {
    post: {
      operationId: 'receiveResult',
      tags: ['Calls'],
      summary: 'The result of a call, posted to its `response_webhook`',
      description:
        'The body is what the synchronous call would have been answered with, the same bytes at every attempt. The signature is that of [Standard Webhooks](https://www.standardwebhooks.com).',
      security: [],
      parameters: [
        header('x-mb-batch-id', 'The batchId.', { ...text, format: 'uuid' }, exampleIds.batchId),
        header('webhook-id', 'The batchId: it tells a repeat.', text, exampleIds.batchId),
        header('webhook-timestamp', 'Seconds since 1970.', text, '1795521600'),
        header('webhook-signature', 'One or more of `v1,` and base64.', text, 'v1,K5oZfzN95Z9U…'),
        header('x-posthaste-attempt', 'Counted from 1.', { type: 'integer', minimum: 1 }, 1),
        requestHeaders.traceparent,
      ],
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: { anyOf: [schemaRef('Result'), schemaRef('ErrorBody')] },
            examples: {
              succeeded: { summary: 'It succeeded', value: { data: 42 } },
              failed: { summary: 'It failed', value: { error, code: 'deployment_error' } },
            },
          },
        },
      },
      responses: {
        '2XX': { description: 'The result was delivered.' },
        '4XX': {
          description:
            'It is sent again later, for about three days. 410 ends that at once; 429 and 503 may say when in `Retry-After`.',
        },
      },
    },
  },
}
