export default (text: string) => {
  console.error(`printed: ${text}`)
  return text
}
