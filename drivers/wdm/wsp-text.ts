import { BenchError } from '../../core/errors.ts'
import type { FilterProfile } from '../../core/instruments.ts'

/** More slices than any optical fibre has bands for: 100 THz. */
const MOST_SLICES = 100_000
const NUMBER = /^[+-]?\d{1,6}(?:\.\d{1,12})?(?:E[+-]?\d{1,2})?$/i

/** A profile as a WaveShaper takes it: a line a slice, of frequency, attenuation, phase and port between tabs. */
export function wspText({ frequenciesThz, attenuationsDb, phasesRad, ports }: FilterProfile): string {
  let text = ''
  for (const [slice, frequencyThz] of frequenciesThz.entries()) {
    const values = [frequencyThz, attenuationsDb[slice]!, phasesRad[slice]!]
    text += `${values.map((value) => value.toFixed(4)).join('\t')}\t${ports[slice]!}\n`
  }
  return text
}

/** Throws: PROTOCOL_UNEXPECTED_REPLY with the line that is none. */
export function parseWspText(text: string): FilterProfile {
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  if (lines.length === 0 || lines.length > MOST_SLICES) throw unexpected(`1 to ${MOST_SLICES} lines`, `${lines.length}`)
  const [frequenciesThz, attenuationsDb, phasesRad] = [0, 1, 2].map(() => new Float64Array(lines.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  const ports = new Uint8Array(lines.length)
  for (const [slice, line] of lines.entries()) {
    const fields = line.split('\t').map((field) => field.trim())
    const numbers = fields.map((field) => (NUMBER.test(field) ? Number(field) : Number.NaN))
    const port = numbers[3] ?? Number.NaN
    if (fields.length !== 4 || numbers.some(Number.isNaN) || !Number.isInteger(port) || port < 0 || port > 255) {
      throw unexpected('frequency, attenuation, phase and port of a slice', line)
    }
    frequenciesThz[slice] = numbers[0]!
    attenuationsDb[slice] = numbers[1]!
    phasesRad[slice] = numbers[2]!
    ports[slice] = port
  }
  return { frequenciesThz, attenuationsDb, phasesRad, ports }
}

function unexpected(expected: string, got: string): BenchError {
  const reply = got.slice(0, 200)
  return new BenchError('PROTOCOL_UNEXPECTED_REPLY', `expected ${expected}, got ${JSON.stringify(reply)}`, {
    context: { expected, reply },
  })
}
