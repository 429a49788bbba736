import { expect, test } from 'vitest'
import { createSlots } from './slots.ts'

const { signal } = new AbortController()

test('slots are given in the order in which they were asked for', async () => {
  const slots = createSlots(1)
  const order: string[] = []
  await slots.take(signal)
  const asked = ['a', 'b', 'c'].map((name) => slots.take(signal).then(() => order.push(name)))
  for (const taken of asked) {
    slots.giveBack()
    await taken
  }
  expect(order).toEqual(['a', 'b', 'c'])
})

test('who no longer waits leaves the slot to the next', async () => {
  const slots = createSlots(1)
  await slots.take(signal)
  const leaving = new AbortController()
  const left = slots.take(leaving.signal)
  const next = slots.take(signal)
  leaving.abort(new Error('left'))
  await expect(left).rejects.toThrow('left')
  slots.giveBack()
  await next
})

test('a slot given back while nobody waits is free again', async () => {
  const slots = createSlots(2)
  await slots.take(signal)
  slots.giveBack()
  await slots.take(signal)
  await slots.take(signal)
  let isTaken = false
  const third = slots.take(signal).then(() => {
    isTaken = true
  })
  await Promise.resolve()
  expect(isTaken).toBe(false)
  slots.giveBack()
  await third
})
