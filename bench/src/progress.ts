export const print = (text: string) => void process.stdout.write(`${text}\n`)

/** Shows what is going on in one line, which each call writes anew where there is a terminal. */
export function showProgress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[2K  ${text}`)
  else print(`  ${text}`)
}
