export default async (how: string) => {
  if (how === 'rejects') return Promise.reject(new Error('rejected on purpose'))
  if (how === 'text') throw 'a text, not an error'
  throw new TypeError('thrown on purpose')
}
