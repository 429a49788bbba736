/** One line of a process's `/metrics`. */
export type Sample = { name: string; labels: Record<string, string>; value: number }

/** What a `/metrics` page says of a metric: its kind, its help and its samples. */
export type MetricFamily = { name: string; type: string; help: string; samples: Sample[] }

/** Parses Prometheus' text format 0.0.4, strictly: a line that is none of its kinds throws. */
export function parseMetrics(text: string): Map<string, MetricFamily> {
  const families = new Map<string, MetricFamily>()
  if (!text.endsWith('\n')) throw new Error('The last line does not end.')
  for (const line of text.split('\n')) {
    if (line === '') continue
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line)
    if (comment) {
      const [, kind, name = '', rest = ''] = comment
      const family = families.get(name) ?? { name, type: '', help: '', samples: [] }
      families.set(name, family)
      if (kind === 'HELP') family.help = rest
      else family.type = rest
      continue
    }
    const sample = parseSample(line)
    const family = findFamily(families, sample.name)
    if (!family) throw new Error(`${sample.name} has no TYPE before it.`)
    family.samples.push(sample)
  }
  return families
}

/** The sum of a metric's samples that have these labels; 0 when there is none. */
export function sumOf(text: string, name: string, labels: Record<string, string> = {}): number {
  const samples = findFamily(parseMetrics(text), name)?.samples ?? []
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) =>
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )
    .reduce((sum, { value }) => sum + value, 0)
}

function parseSample(line: string): Sample {
  const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
  const value = Number(match?.[3]?.replace('+Inf', 'Infinity'))
  if (!match || (Number.isNaN(value) && match[3] !== 'Nan'))
    throw new Error(`Not a sample: ${line}`)
  const labels: Record<string, string> = {}
  const rest = (match[2] ?? '').replace(
    /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/g,
    (_, key: string, text: string) => {
      labels[key] = text
      return ''
    },
  )
  if (rest !== '') throw new Error(`Labels are not as they should be: ${line}`)
  return { name: match[1] ?? '', labels, value }
}

const findFamily = (families: Map<string, MetricFamily>, name: string) =>
  families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
