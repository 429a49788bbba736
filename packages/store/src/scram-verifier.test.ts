import { expect, test } from 'vitest'
import { scramVerifier } from './scram-verifier.ts'
import { setupStore } from './store-under-test.ts'

test('it is what PostgreSQL makes of the same password and salt', async () => {
  const store = await setupStore()
  const role = `posthaste_test_${crypto.randomUUID().slice(0, 8)}`
  try {
    await store.query(`set password_encryption = 'scram-sha-256'`)
    await store.query(`create role ${role} password 'some-password_1'`)
    const [{ rolpassword }] = await store.query(
      'select rolpassword from pg_authid where rolname = $1',
      [role],
    )
    const salt = Buffer.from(rolpassword.split(/[:$]/)[2], 'base64')
    expect(scramVerifier('some-password_1', salt)).toBe(rolpassword)
  } finally {
    await store.query(`drop role if exists ${role}`)
    await store.close()
  }
})
