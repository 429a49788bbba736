export default (eat: boolean) => {
  const eaten: unknown[] = []
  while (eat) eaten.push(new Array(100_000).fill({ a: 1 }))
  return 'full'
}
