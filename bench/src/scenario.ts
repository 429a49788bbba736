/** One line of a scenario's table. Ratios have no unit and come first; those with a goal say whether it is met. */
export type Row = { name: string; value: number; unit?: string; goal?: Goal | undefined }

export type Goal = { atLeast: number } | { atMost: number }

/** What a scenario measured. `series` is drawn: seconds from its start, and a figure at each. */
export type Result = {
  rows: Row[]
  series: { name: string; unit: string; points: [seconds: number, value: number][] }[]
}

/** A benchmark with its own database and processes. */
export type Scenario = { title: string; run: () => Promise<Result> }
