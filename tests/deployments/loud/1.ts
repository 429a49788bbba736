export default () => {
  for (;;) console.error('x'.repeat(1_000))
}
