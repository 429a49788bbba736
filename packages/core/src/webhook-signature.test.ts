import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { createWebhookSecret, createWebhookSigner } from './webhook-signature.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const webhook = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  body: '{"test": 2432232314}',
  at: new Date(1614265330_000),
}

test("Standard Webhooks' own vector is signed as it says", () => {
  expect(createWebhookSigner([secret])(webhook)).toEqual({
    'webhook-id': webhook.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test('a receiver with any of the secrets can verify', () => {
  const secrets = [createWebhookSecret(), createWebhookSecret()]
  const headers = createWebhookSigner(secrets)({ ...webhook, at: new Date() })
  for (const one of secrets) {
    expect(new Webhook(one).verify(webhook.body, headers)).toEqual({ test: 2432232314 })
  }
  expect(() => new Webhook(createWebhookSecret()).verify(webhook.body, headers)).toThrow()
})
