import { styleText } from 'node:util'

/** How the parts of this package tell what they do: pino's manner, fields first. */
export type Log = Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>

const colours: Record<string, Parameters<typeof styleText>[0]> = {
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
}

/**
 * A line that the process `name` wrote, for a person: `[api] 12:00:01 INFO batch accepted batchId=…`.
 * A line that is not of our logger (`@posthaste/process/logger`) keeps its text. Colours are left out where the terminal has none.
 */
export function formatLogLine(name: string, line: string): string {
  const prefix = styleText('cyan', `[${name}]`)
  const entry = parseEntry(line)
  if (!entry) return `${prefix} ${line}`

  const { level, time, msg, pid, hostname, name: _, err, ...fields } = entry
  const label = styleText(colours[level] ?? 'gray', level.toUpperCase())
  const words = [prefix, formatTime(time), label, msg]
  for (const [field, value] of Object.entries(fields)) {
    words.push(styleText('gray', `${field}=`) + formatValue(value))
  }
  const head = words.join(' ')
  return err ? `${head}\n${indent(err.stack ?? err.message ?? formatValue(err))}` : head
}

/** A log that writes such lines itself, each as `write` is called. */
export function createLineLog(name: string, write: (line: string) => void): Log {
  const at = (level: string) => (fields: object, msg: string) => {
    const time = new Date().toISOString()
    write(formatLogLine(name, JSON.stringify({ level, time, msg, ...fields })))
  }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

type Entry = {
  level: string
  time: string
  msg: string
  err?: { message?: string; stack?: string }
  [field: string]: unknown
}

function parseEntry(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const entry = JSON.parse(line)
    return typeof entry.level === 'string' && typeof entry.msg === 'string' ? entry : undefined
  } catch {
    return undefined
  }
}

const formatTime = (time: string) => new Date(time).toTimeString().slice(0, 8)

const formatValue = (value: unknown) =>
  typeof value === 'string' && /^\S+$/.test(value) ? value : JSON.stringify(value)

const indent = (text: string) => text.replaceAll(/^/gm, '    ')
