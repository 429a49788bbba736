import { setTimeout } from 'node:timers/promises'

export default async (milliseconds: number) => {
  await setTimeout(milliseconds)
  return milliseconds
}
