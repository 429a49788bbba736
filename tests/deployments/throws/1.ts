export default async (how: string) => {
  if (how === 'rejects') return Promise.reject(new Error('rejected on purpose'))
  if (how === 'text') throw 'a text, not an error'
  if (how === 'tells')
    throw new Error(`no ${import.meta.filename} at 10.0.0.5:80\n    at f (m.js:1:2)`)
  throw new TypeError('thrown on purpose')
}
