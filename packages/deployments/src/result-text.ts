import { jsonDepth, maxJsonDepth } from '@posthaste/core/json-text'
import { describeThrown } from './thrown-value.ts'

/**
 * Writes what a function returned as JSON. `reason` is a sentence for the caller when JSON cannot carry
 * the value, or when its text has more than `maxBytes` bytes in UTF-8.
 */
export function writeResult(
  value: unknown,
  maxBytes: number,
): { text: string } | { reason: string } {
  if (typeof value === 'number' && !Number.isFinite(value)) return cannotCarry(String(value))
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    return { reason: describeRefusal(error) }
  }
  if (text === undefined) return cannotCarry(nameOf(value))
  return checkResult(text, maxBytes)
}

/** The same limits for a result that is JSON text already. */
export function checkResult(text: string, maxBytes: number): { text: string } | { reason: string } {
  // A character has at least one byte, so most of what is too large need not be counted.
  if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes) return tooLarge(maxBytes)
  return jsonDepth(text) > maxJsonDepth ? tooDeep() : { text }
}

export const tooLarge = (maxBytes: number) => ({
  reason: `The result is larger than ${maxBytes} bytes; return less, or raise MAX_RESULT_BYTES.`,
})

const tooDeep = () => ({ reason: `The result is nested deeper than ${maxJsonDepth} levels.` })

const cannotCarry = (name: string) => ({
  reason: `The deployment returned ${name}; return a value that JSON can carry.`,
})

function nameOf(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  // An object comes here when its toJSON gives none.
  return typeof value === 'symbol' ? 'a symbol' : 'undefined'
}

function describeRefusal(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof RangeError) {
    if (/stack/.test(message)) return tooDeep().reason
    if (/string length/.test(message))
      return 'The result is larger than a text can be; return less.'
  }
  if (error instanceof TypeError && /BigInt/.test(message)) return cannotCarry('a BigInt').reason
  if (error instanceof TypeError && /circular/.test(message)) {
    return cannotCarry('a value that contains itself').reason
  }
  return `The result cannot be written as JSON: ${describeThrown(error)}`
}
