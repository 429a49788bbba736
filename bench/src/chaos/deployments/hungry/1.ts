export default () => {
  const eaten: unknown[] = []
  for (;;) eaten.push(new Array(100_000).fill({ a: 1 }))
}
