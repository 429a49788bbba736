import type { Result } from './scenario.ts'

const width = 800
const height = 360
const margin = { top: 40, right: 180, bottom: 40, left: 70 }
const colours = ['#2563eb', '#dc2626', '#059669', '#d97706', '#7c3aed']

/** Draws series over seconds as an SVG; they share one axis, which begins at zero. */
export function drawPlot(title: string, series: Result['series']): string {
  const points = series.flatMap((one) => one.points)
  const maxX = Math.max(1, ...points.map(([x]) => x))
  const maxY = Math.max(1, ...points.map(([, y]) => y)) * 1.05
  const x = (value: number) => margin.left + (value / maxX) * (width - margin.left - margin.right)
  const y = (value: number) =>
    height - margin.bottom - (value / maxY) * (height - margin.top - margin.bottom)

  const lines = series.map(({ name, unit, points: line }, index) => {
    const colour = colours[index % colours.length]
    const path = line.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ')
    const labelY = margin.top + 16 * (index + 1)
    return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path}"/>
<text x="${width - margin.right + 12}" y="${labelY}" fill="${colour}">${name} (${unit})</text>`
  })
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const [px, py] = [x(share * maxX), y(share * maxY)]
    return `<text x="${margin.left - 8}" y="${py + 4}" text-anchor="end">${Math.round(share * maxY)}</text>
<line x1="${margin.left}" x2="${width - margin.right}" y1="${py}" y2="${py}" stroke="#e5e7eb"/>
<text x="${px}" y="${height - margin.bottom + 18}" text-anchor="middle">${Math.round(share * maxX)} s</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="${margin.left}" y="24" font-size="15">${title}</text>
${[...ticks, ...lines].join('\n')}
</svg>
`
}
