const values: Record<string, () => unknown> = {
  bigint: () => 1n,
  cycle: () => {
    const list: unknown[] = []
    list.push(list)
    return list
  },
  undefined: () => undefined,
  nan: () => Number.NaN,
  function: () => () => {},
}

export default (kind: string) => values[kind]?.()
