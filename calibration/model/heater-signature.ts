import type { ComplexMatrix } from '../fit/complex-matrix.ts'

/** What of the light a heater turns: nothing of the other lanes' where it stands before or behind the shared mesh. */
export interface HeaterSignature {
  readonly radPerV2: number
  /** [lane] the part of the matrix that passes under it, all of it turned by one phase. */
  readonly under: readonly ComplexMatrix[]
  /** [lane] share of all light of the lane that it swings, RMS. */
  readonly swing: readonly number[]
}

/** Share of the light that a live heater moves at least; the heat of live neighbours is not in it. */
const LEAST_SWING = 0.03

export const isDead = ({ swing }: HeaterSignature): boolean => Math.max(...swing) < LEAST_SWING

/** A pattern over the ports, of norm 1. */
export interface Pattern {
  readonly re: Float64Array
  readonly im: Float64Array
}

/**
 * How light comes from the inputs to a heater, or goes from it to the outputs: what passes under one heater is a
 * product of the two, so that any strong row or column of it shows the pattern.
 */
export function patternOf({ under }: HeaterSignature, view: 'inputs' | 'outputs'): Pattern {
  const { size, re, im } = under[0]!
  const at = (line: number, port: number): number => (view === 'inputs' ? line * size + port : port * size + line)
  const ports = Array.from({ length: size }, (_, port) => port)
  const power = (line: number): number =>
    ports.reduce((sum, port) => sum + re[at(line, port)]! ** 2 + im[at(line, port)]! ** 2, 0)
  const strongest = ports.reduce((best, line) => (power(line) > power(best) ? line : best), 0)
  const norm = Math.sqrt(power(strongest))
  return {
    re: Float64Array.from(ports, (port) => re[at(strongest, port)]! / norm),
    im: Float64Array.from(ports, (port) => im[at(strongest, port)]! / norm),
  }
}

/** |⟨a, b⟩|², 0 to 1. */
export function overlapOf(a: Pattern, b: Pattern): number {
  let [re, im] = [0, 0]
  for (let port = 0; port < a.re.length; port++) {
    re += a.re[port]! * b.re[port]! + a.im[port]! * b.im[port]!
    im += a.re[port]! * b.im[port]! - a.im[port]! * b.re[port]!
  }
  return re * re + im * im
}

/** Share of all light under a heater that is of one lane and one input (a column) or output (a row). */
export function shareAt({ under }: HeaterSignature, lane: number, port: number, side: 'input' | 'lo'): number {
  let [own, all] = [0, 0]
  for (const [of, { size, re, im }] of under.entries()) {
    for (let element = 0; element < re.length; element++) {
      const power = re[element]! ** 2 + im[element]! ** 2
      all += power
      const at = side === 'lo' ? Math.floor(element / size) : element % size
      if (of === lane && at === port) own += power
    }
  }
  return own / all
}
