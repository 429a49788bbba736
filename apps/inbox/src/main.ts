import { listen } from '@posthaste/process/listen'
import { startProcess } from '@posthaste/process/start-process'
import { buildApp } from './app.ts'
import { InboxSettings } from './settings.ts'
import { createSignatureCheck } from './signature-check.ts'

await startProcess('inbox', InboxSettings, async ({ settings, announce }) => {
  const app = buildApp({
    checkSignature: createSignatureCheck(settings.WEBHOOK_SECRET),
    print: (line) => void process.stdout.write(`${line}\n`),
    now: () => new Date(),
  })
  const port = await listen(app, { host: settings.HOST, port: settings.INBOX_PORT })
  announce(port)
  return () => app.close()
})
