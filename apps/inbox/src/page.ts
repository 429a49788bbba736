import { formatTime, type ReceivedWebhook } from './received-webhook.ts'

/** The page that shows the webhooks, in the order given; it loads itself anew every two seconds. */
export function formatPage(webhooks: readonly ReceivedWebhook[]): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="2">
<title>Posthaste inbox</title>
<style>${style}</style>
<h1>Inbox</h1>
${webhooks.length === 0 ? empty : `<ol>${webhooks.map(formatItem).join('')}</ol>`}
</html>
`
}

const empty = '<p>No webhook has arrived yet. POST to any path of this server.</p>'

function formatItem({ at, url, attempt, batchId, signature, body }: ReceivedWebhook): string {
  return `
<li>
  <header>
    <time datetime="${at.toISOString()}">${formatTime(at)}</time>
    <b>${escapeHtml(url)}</b>
    <span class="${signature}">signature ${signature}</span>
  </header>
  <small>batch ${escapeHtml(batchId)}, attempt ${escapeHtml(attempt)}</small>
  <pre>${escapeHtml(body)}</pre>
</li>`
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escapeHtml = (text: string) =>
  text.replaceAll(/[&<>"']/g, (character) => entities[character]!)

const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.3rem }
ol { list-style: none; padding: 0 }
li { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: .8rem 0 }
header { display: flex; flex-wrap: wrap; gap: .8rem; align-items: baseline }
b { flex: 1; overflow-wrap: anywhere }
time, small { opacity: .7; font-variant-numeric: tabular-nums }
pre { margin: .4rem 0 0; max-height: 12rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere }
.ok { color: light-dark(#176d33, #6fd391) }
.other { color: light-dark(#7a5200, #f0c26a) }
.bad { color: light-dark(#b3261e, #ff8a80); font-weight: 600 }
`
