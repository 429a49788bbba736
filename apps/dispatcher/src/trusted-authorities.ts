import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { getCACertificates } from 'node:tls'

/**
 * Reads `WEBHOOK_CA_FILE`: the certificates, in PEM, of all authorities that receivers' certificates
 * may be signed by, those that Node knows by itself included. Undefined, which is Node's own, when no
 * file is named. Rejects with a sentence when it cannot be read or holds no certificate.
 */
export async function readAuthorities(path: string): Promise<string[] | undefined> {
  if (path === '') return undefined
  const text = await readFile(path, 'latin1').catch((cause) => {
    throw fault(path, `cannot be read (${cause.code})`, cause)
  })
  const certificates = text.match(certificateBlock) ?? []
  if (certificates.length === 0) throw fault(path, 'holds no certificate')
  for (const certificate of certificates) readCertificate(path, certificate)
  return [...getCACertificates('default'), ...certificates]
}

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

function readCertificate(path: string, certificate: string): void {
  try {
    new X509Certificate(certificate)
  } catch (cause) {
    throw fault(path, 'holds a certificate that cannot be read', cause)
  }
}

const fault = (path: string, what: string, cause?: unknown) =>
  new Error(`WEBHOOK_CA_FILE ${path} ${what}; give a PEM file of certificates.`, { cause })
