export default ({ note }: { note: string }) => {
  throw new Error(`thrown on purpose: ${note}`)
}
