import model from 'wink-eng-lite-web-model'
import winkNLP from 'wink-nlp'

const nlp = winkNLP(model)
const maxCharacters = 100_000

/**
 * Reads an English text: its sentiment from -1 (bad) to 1 (good), the entities it names (dates, times,
 * amounts, links), and how many sentences it has.
 */
export default function sentiment(text: unknown) {
  if (typeof text !== 'string' || text.trim() === '') {
    throw new TypeError('sentiment takes a text that is not empty.')
  }
  if (text.length > maxCharacters) {
    throw new RangeError(`sentiment takes texts of up to ${maxCharacters} characters.`)
  }
  const document = nlp.readDoc(text)
  return {
    sentiment: Number(document.out(nlp.its.sentiment)),
    entities: document.entities().out(nlp.its.detail),
    sentences: document.sentences().length(),
  }
}
