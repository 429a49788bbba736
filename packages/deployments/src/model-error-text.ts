import { cleanErrorText } from '@posthaste/core/error-text'

/**
 * Finds what a model server says went wrong in the body of its reply: the first of `error`,
 * `error.message`, `[0].error`, `message`, `detail` and `detail[].msg` that is a text, cleaned of
 * what is not for callers. Undefined when the body is no JSON or says nothing.
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
  return text === undefined ? undefined : cleanErrorText(text)
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
