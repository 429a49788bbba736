import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack()
})
afterAll(() => on.close())

const list = (parameters: Record<string, string>) =>
  on.request(`/api/batches?${new URLSearchParams(parameters)}`)

/** Every page of a list, one after the other. */
async function listAll(filter: Record<string, string>) {
  const batchIds: string[] = []
  let cursor: string | null = null
  do {
    const { status, json }: Awaited<ReturnType<typeof list>> = await list(
      cursor === null ? filter : { ...filter, cursor },
    )
    expect(status).toBe(200)
    batchIds.push(...json.batches.map(({ batchId }: { batchId: string }) => batchId))
    cursor = json.nextCursor
  } while (cursor !== null)
  return batchIds
}

const sendMany = (count: number, path = 'double/1') =>
  Promise.all(Array.from({ length: count }, () => on.send(path, 1)))

test('batches are listed newest first, each as it is shown by itself', async () => {
  const receiver = await startTestReceiver((_request, response) => response.writeHead(410).end())
  const batchId = await on.send('throws/1', 'throws', { response_webhook: receiver.url })
  await on.delivered(batchId)
  await receiver.close()
  const { json } = await list({ delivery: 'gone', destination: `127.0.0.1:${receiver.port}` })
  const shown = (await on.request(`/api/batches/${batchId}`)).json
  const { delivery, queuePosition, firstAttemptAt, lastAttemptAt, ...batch } = shown
  expect({ queuePosition, firstAttemptAt }).toEqual({
    queuePosition: null,
    firstAttemptAt: lastAttemptAt,
  })
  const { attempts, ...rest } = delivery
  expect(attempts).toHaveLength(1)
  expect(json).toEqual({ batches: [{ ...batch, delivery: rest }], nextCursor: null })
})

test('a list without a limit shows fifty, and a cursor when there are more', async () => {
  await sendMany(51)
  const { json } = await list({})
  expect(json.batches).toHaveLength(50)
  expect(json.nextCursor).toMatch(/^[\w-]+$/)
  const ids = json.batches.map(({ batchId }: { batchId: string }) => batchId)
  expect(ids).toEqual(ids.toSorted().reverse())
})

test('a list that is read while calls come in neither skips nor repeats a batch', async () => {
  const before = await sendMany(300, 'echo/1')
  let over = false
  const sender = async () => {
    while (!over) await sendMany(5, 'echo/1')
  }
  const senders = [sender(), sender()]
  const listed = await listAll({ deployment: 'echo/main/1', limit: '7' })
  const narrowed = await listAll({ destination: `127.0.0.1:${on.receiver.port}`, limit: '20' })
  over = true
  await Promise.all(senders)
  for (const ids of [listed, narrowed]) {
    expect(ids).toEqual(ids.toSorted().reverse())
    expect(new Set(ids).size).toBe(ids.length)
    expect(before.filter((batchId) => !ids.includes(batchId))).toEqual([])
  }
})

test('times bound a list, the first included and the last not', async () => {
  const [batchId] = (await sendMany(1, 'many/1')) as [string]
  const ms = Number.parseInt(batchId.replace('-', '').slice(0, 12), 16)
  const [at, next] = [new Date(ms).toISOString(), new Date(ms + 1).toISOString()]
  const ids = async (filter: Record<string, string>) =>
    (await list({ deployment: 'many', ...filter })).json.batches.length
  expect(await ids({ since: at, until: next })).toBe(1)
  expect(await ids({ since: next })).toBe(0)
  expect(await ids({ until: at })).toBe(0)
  expect(await ids({ since: at.replace('Z', '+00:00') })).toBe(1)
  // A plus that was not percent-encoded.
  const raw = await on.request(
    `/api/batches?deployment=many&since=${at.replace('Z', '+00:00')}&until=${next}`,
  )
  expect(raw.json.batches).toHaveLength(1)
})

test('a cursor of another query is refused, another limit is not', async () => {
  await sendMany(3)
  const { nextCursor: cursor } = (await list({ deployment: 'double', limit: '2' })).json
  expect(await list({ deployment: 'double', limit: '1', cursor })).toMatchObject({ status: 200 })
  for (const filter of [{}, { deployment: 'echo' }, { deployment: 'double', state: 'failed' }]) {
    expect(await list({ ...filter, cursor })).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining('"cursor" belongs to another query') },
    })
  }
})

test.each([
  ['limit=0', 'limit'],
  ['limit=251', 'limit'],
  ['limit=-1', 'limit'],
  ['limit=1.5', 'limit'],
  ['limit=1e1', 'limit'],
  ['limit=true', 'limit'],
  ['limit=', 'limit'],
  ['limit=99999999999999999999', 'limit'],
  ['limit=5&limit=5', 'limit'],
  ['cursor=', 'cursor'],
  ['cursor=x', 'cursor'],
  ['cursor=%00', 'cursor'],
  [`cursor=${'A'.repeat(32)}`, 'cursor'],
  [`cursor=${'A'.repeat(5_000)}`, 'cursor'],
  ['state=done', 'state'],
  ['state=Queued', 'state'],
  ['state=', 'state'],
  ['state=queued&state=failed', 'state'],
  ['state=queued&delivery=gone', 'state'],
  ['delivery=lost', 'delivery'],
  ['delivery=none,pending', 'delivery'],
  ['deployment=', 'deployment'],
  ['deployment=double/1', 'deployment'],
  ['deployment=double/main/latest', 'deployment'],
  ['deployment=double/main/99999999999', 'deployment'],
  ['deployment=a%00b', 'deployment'],
  ['deployment=%ff', 'deployment'],
  ["deployment=x'%3B--", 'deployment'],
  ['destination=https://example.com/', 'destination'],
  ['destination=EXAMPLE.com', 'destination'],
  ['destination=a%00', 'destination'],
  ['since=2026-11-24T12:00:00', 'since'],
  ['since=2026-02-30T12:00:00Z', 'since'],
  ['since=yesterday', 'since'],
  ['until=1764000000', 'until'],
  ['until=%00', 'until'],
  ['since=2026-11-24T12:00:00Z&until=2026-11-24T12:00:00Z', 'until'],
  ['delivry=gone', 'delivry'],
  ['wait=1', 'wait'],
  ['limits=5', 'limits": did you mean "limit'],
  ['__proto__=1', '__proto__'],
  [
    'constructor=1',
    'constructor": the list of batches has deployment, state, delivery, destination',
  ],
  ['toString=1', 'toString'],
  ['a/b=1', 'a/b'],
])('?%s is a 400 that names it', async (query, name) => {
  const reply = await on.request(`/api/batches?${query}`)
  expect(reply).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
  expect(reply.json.error).toContain(`"${name}`)
})

test.each([
  '',
  '?',
  '?deployment=nothing',
  '?since=0000-01-01T00:00:00Z',
  '?until=9999-12-31T23:59:59Z',
])('%j is a list', async (query) => {
  expect(await on.request(`/api/batches${query}`)).toMatchObject({
    status: 200,
    json: { batches: expect.any(Array) },
  })
})
