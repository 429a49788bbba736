import { type Examples, example, exampleIds } from './examples.ts'

/** The bodies of calls: the three shapes of `data`, without and with a webhook. */
export const callExamples: Examples = {
  oneArgument: { summary: 'One argument; the reply is the result', value: { data: 21 } },
  severalArguments: { summary: 'Several arguments', value: { data: [1, 2, 3] } },
  rows: {
    summary: 'Rows of an id and arguments',
    value: {
      data: [
        ['a', 10],
        ['b', 11],
      ],
    },
  },
  webhook: {
    summary: 'Answered at once; the result is posted to the webhook later',
    value: { data: 21, response_webhook: 'https://example.com/done?order=7' },
  },
  webhookWithOptions: {
    summary: 'With all options',
    value: {
      data: [
        ['a', 10],
        ['b', 11],
      ],
      response_webhook: 'https://example.com/done?order=7',
      response_webhook_ignore_timeout: true,
      response_format: 'links',
      timeout_seconds: 900,
      priority: -10,
      expires_in_seconds: 3_600,
    },
  },
}

/** The body of a call with `response_format: "links"`. */
const link = `https://posthaste.example.com/results/${exampleIds.batchId}?expires=1795528800&signature=Zm9yIGEgcGVyc29uIHRvIHNlZSB3aGF0IGl0IGlz`

/** The results that go with `callExamples`, of a deployment that doubles numbers. */
export const resultExamples: Examples = {
  oneArgument: { summary: 'Of one argument, or several', value: { data: 42 } },
  rows: {
    summary: 'Of rows, in their order',
    value: {
      data: [
        ['a', 20],
        ['b', 22],
      ],
    },
  },
}

/** What a call is answered, and its webhook posted: a link where it asks for one. */
export const bodyExamples: Examples = {
  ...resultExamples,
  link: { summary: 'With `response_format: "links"`', value: { data: link } },
}

export const acceptedExample = example('Accepted', { batchId: exampleIds.batchId })
