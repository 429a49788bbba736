import { generate } from 'selfsigned'

type Names = { type: 2; value: string } | { type: 7; ip: string }

const days = (count: number) => new Date(Date.now() + count * 86_400_000)

/** Certificates as receivers present them, made for the test that asks. */
export async function createTestAuthority() {
  const authority = await generate([{ name: 'commonName', value: 'Posthaste test authority' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  })

  /** A certificate for a host; it ends in `endsInDays`, which can be past. */
  async function certify(host: Names, options: { endsInDays?: number; selfSigned?: boolean } = {}) {
    const { endsInDays = 30, selfSigned = false } = options
    const { cert, private: key } = await generate(
      [{ name: 'commonName', value: 'Posthaste test receiver' }],
      {
        keyType: 'ec',
        algorithm: 'sha256',
        notBeforeDate: days(-60),
        notAfterDate: days(endsInDays),
        extensions: [{ name: 'subjectAltName', altNames: [host] }],
        ...(!selfSigned && { ca: { key: authority.private, cert: authority.cert } }),
      },
    )
    return { cert, key }
  }

  return { pem: authority.cert, certify }
}
