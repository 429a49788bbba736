import { createApiKey } from '@posthaste/core/api-key'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { as, operator, operatorKey, setupKeys, verifies } from './keys-under-test.ts'

let on: Awaited<ReturnType<typeof setupKeys>>
beforeAll(async () => {
  on = await setupKeys()
})
afterAll(() => on.close())

test("a key's webhooks are signed by its own secret, others by the default one", async () => {
  const [a, b] = [await on.makeKey(), await on.makeKey()]
  const [{ secret }] = await on.query(
    'select secret from posthaste.webhook_secrets where key_id is null',
  )
  const byDefault = await on.call(
    'double/1',
    { data: 1, response_webhook: on.receiver.url },
    operator,
  )
  for (const [signer, batchId] of [
    [a.webhookSecret, await on.send(a.key)],
    [b.webhookSecret, await on.send(b.key)],
    [secret, byDefault.json.batchId],
  ]) {
    const webhook = await on.received(batchId)
    const which = [a.webhookSecret, b.webhookSecret, secret].filter((one) => verifies(one, webhook))
    expect(which).toEqual([signer])
  }
})

test('after a rotation both secrets sign, the newest first, and later only the new one', async () => {
  const { id, key, webhookSecret: old } = await on.makeKey({ name: 'rotating' })
  await on.received(await on.send(key))
  const reply = await on.post(`/api/keys/${id}/rotate-secret`)
  expect(reply).toMatchObject({ status: 201 })
  expect(reply.json).toEqual({ id, name: 'rotating', webhookSecret: expect.any(String) })
  const { webhookSecret: next } = reply.json
  expect(next).not.toBe(old)

  const signed = async () => {
    const webhook = await on.received(await on.send(key))
    return [verifies(next, webhook), verifies(old, webhook)]
  }
  const eventually = (signers: boolean[]) =>
    vi.waitFor(async () => expect(await signed()).toEqual(signers), { timeout: 10_000 })
  await eventually([true, true])
  const webhook = await on.received(await on.send(key))
  const signatures = String(webhook.headers['webhook-signature']).split(' ')
  expect(signatures).toHaveLength(2)
  const only = { ...webhook.headers, 'webhook-signature': signatures[0]! }
  expect(verifies(next, { ...webhook, headers: only })).toBe(true)

  await on.query(
    `update posthaste.webhook_secrets set expires_at = now() - interval '1 second'
      where key_id = '${id}' and expires_at is not null`,
  )
  await eventually([true, false])
})

test('what a revoked key had called is still delivered, signed by its secret', async () => {
  const { id, key, webhookSecret } = await on.makeKey()
  const batchId = await on.send(key, 500, 'slow')
  await on.revoke(id)
  expect(verifies(webhookSecret, await on.received(batchId))).toBe(true)
})

test('no key and no secret is in a log line, an error or a job', async () => {
  const made = await on.makeKey({ name: 'in no log' })
  const batchId = await on.send(made.key)
  const { webhookSecret } = (await on.post(`/api/keys/${made.id}/rotate-secret`)).json
  const wrong = createApiKey()
  const refused = await on.call('double/1', { data: 1 }, as(wrong))
  await on.received(batchId)
  await on.revoke(made.id)

  const jobs = await on.query('select payload from graphile_worker._private_jobs')
  const said = (['api', 'runner', 'dispatcher'] as const)
    .flatMap((name) => on.stack.process(name).lines)
    .concat(JSON.stringify(jobs), refused.text)
    .join('\n')
  expect(said).toContain(batchId)
  for (const secret of [operatorKey, made.key, made.webhookSecret, webhookSecret, wrong]) {
    expect(said).not.toContain(secret)
  }
})
