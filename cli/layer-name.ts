import { BenchError } from '../core/errors.ts'

const MOST_CHARACTERS = 100

/** Why a text does not name a layer; undefined where it does. */
export function whyNoLayer(name: string): string | undefined {
  if (name.trim() === '') return 'a layer needs a name, like fc1'
  if (name !== name.trim()) return 'the name of a layer neither begins nor ends with a blank'
  if (/\p{Cc}/u.test(name)) return 'the name of a layer is one line of text'
  if (name.length > MOST_CHARACTERS) return `the name of a layer has ${MOST_CHARACTERS} characters at most`
  return undefined
}

/** Throws: CALL_INVALID. */
export function requireLayerName(name: string | undefined): void {
  const why = name === undefined ? undefined : whyNoLayer(name)
  if (why !== undefined) throw new BenchError('CALL_INVALID', `layer ${JSON.stringify(name)}: ${why}`)
}
