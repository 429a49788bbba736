const maxLength = 1_000

/**
 * Finds what a model server says went wrong in the body of its reply: the first of `error`,
 * `error.message`, `[0].error`, `message`, `detail` and `detail[].msg` that is a text. Stack traces are
 * left out. Undefined when the body is no JSON or says nothing.
 */
export function findErrorText(body: string): string | undefined {
  let reply: unknown
  try {
    reply = JSON.parse(body)
  } catch {
    return undefined
  }
  const found = [
    at(reply, 'error'),
    at(at(reply, 'error'), 'message'),
    at(at(reply, 0), 'error'),
    at(reply, 'message'),
    at(reply, 'detail'),
    messagesIn(at(reply, 'detail')),
  ]
  const text = found.find((one): one is string => typeof one === 'string' && one.trim() !== '')
  return text === undefined ? undefined : withoutTrace(text).slice(0, maxLength)
}

function at(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string | number, unknown>)[key]
}

/** FastAPI's list of what is wrong with a request. */
function messagesIn(detail: unknown): string | undefined {
  if (!Array.isArray(detail)) return undefined
  const messages = detail.map((one) => at(one, 'msg')).filter((one) => typeof one === 'string')
  return messages.join('; ')
}

/** Python puts the error after its trace, JavaScript before it. */
function withoutTrace(text: string): string {
  const [before = '', trace] = text.split('Traceback (most recent call last):', 2)
  if (trace !== undefined) return before.trim() || trace.trim().split('\n').at(-1) || ''
  return before.split(/\n\s+at /, 1)[0]?.trim() ?? ''
}
