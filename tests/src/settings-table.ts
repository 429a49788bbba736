import { describeValue } from '@posthaste/core/settings'
import type { TObject, TSchema } from '@sinclair/typebox'
import { ApiSettings } from '../../apps/api/src/settings.ts'
import { DispatcherSettings } from '../../apps/dispatcher/src/settings.ts'
import { InboxSettings } from '../../apps/inbox/src/settings.ts'
import { RunnerSettings } from '../../apps/runner/src/settings.ts'
import { DevSettings } from '../../infra/src/dev/dev-settings.ts'

const schemas: Record<string, TObject> = {
  api: ApiSettings,
  runner: RunnerSettings,
  dispatcher: DispatcherSettings,
  inbox: InboxSettings,
  dev: DevSettings,
}

/** The README's table of settings, from the schemas that the processes read theirs by. */
export function renderSettings(): string {
  const rows = new Map<string, { property: TSchema; processes: string[] }>()
  for (const [process, schema] of Object.entries(schemas)) {
    for (const [name, property] of Object.entries(schema.properties)) {
      // `pnpm dev` hands most of its settings on; of those the processes say what they mean.
      const row = rows.get(name)
      if (!row) rows.set(name, { property, processes: [process] })
      else if (process !== 'dev') row.processes.push(process)
    }
  }
  const lines = [...rows].map(([name, { property, processes }]) => {
    const empty = property.default === '' || property.default?.length === 0
    const value = empty ? '' : `\`${property.secret ? 'postgres://…' : property.default}\``
    const takes = describeValue(property)
    return `| \`${name}\` | ${value} | ${processes.join(', ')} | ${property.description} Takes ${takes}. |`
  })
  return ['| setting | default | read by | meaning |', '|---|---|---|---|', ...lines].join('\n')
}
