import type { CoreKnowledge, Frame, OpticalCore } from '../../core/optical-core.ts'
import type { RandomStream } from '../../core/random.ts'
import type { Verification } from '../calibration-record.ts'
import { accuracyOf } from '../../core/accuracy.ts'
import { ErrorParts } from './error-parts.ts'

/** Random orthogonal matrices that no fit has seen, and random inputs through each. */
const MATRICES = 4
const VECTORS = 24

/** Frames that a verification plays, and input vectors of each: orthogonal matrices, and others where a core makes them. */
export const verificationFrames = (
  size: number,
  weights: CoreKnowledge['weights'],
): { readonly frames: number; readonly inputs: number } => ({
  frames: weights === 'any' ? 2 * MATRICES : MATRICES,
  inputs: 2 * size + VECTORS,
})

/**
 * Multiplies with random orthogonal matrices and compares: what a job will get from this calibration.
 *
 * The columns of each matrix are read by lighting one input after the other; products by random inputs of both signs.
 */
export async function verify(
  core: OpticalCore,
  random: RandomStream,
  signal: AbortSignal,
  draw: (size: number, random: RandomStream) => Float64Array = randomOrthogonal,
): Promise<Verification> {
  const size = core.shape.inputs
  const isFree = core.knowledge?.weights === 'any'
  const weightsOf = (id: number): Float64Array =>
    id < MATRICES ? draw(size, random) : Float64Array.from({ length: size * size }, () => random.normal())
  const frames: Frame[] = Array.from({ length: isFree ? 2 * MATRICES : MATRICES }, (_, id) => ({
    // Negative ids: never a job's tile.
    tile: { id: -1 - id, weights: weightsOf(id) },
    lanes: Array.from({ length: core.lanes }, () => testInputs(size, random)),
  }))
  const parts: { E: number; F: number; amplitudeFidelity: number; tvd: number }[] = []
  const errors: number[] = []
  const exact: number[] = []
  const errorParts = new ErrorParts(core)
  for await (const result of core.stream(asyncOf(frames), signal)) {
    if (result.overRange !== undefined) throw result.overRange
    const { frame, lanes } = result
    const isOrthogonal = frame.tile.id >= -MATRICES
    // Weights of jobs are seldom orthogonal: where a core makes others, those tell more.
    if (isOrthogonal !== isFree) errorParts.add(result)
    if (!isOrthogonal) continue
    for (const [lane, outputs] of lanes.entries()) {
      const inputs = frame.lanes[lane]!
      parts.push(compareMatrices(frame.tile.weights, readMatrix(outputs, size), size))
      for (let symbol = 2 * size; symbol < inputs.length / size; symbol++) {
        for (let output = 0; output < size; output++) {
          let y = 0
          for (let input = 0; input < size; input++) {
            y += frame.tile.weights[output * size + input]! * inputs[symbol * size + input]!
          }
          exact.push(y)
          errors.push(outputs[symbol * size + output]! - y)
        }
      }
    }
  }
  const mean = (key: 'E' | 'F' | 'amplitudeFidelity' | 'tvd'): number =>
    parts.reduce((sum, part) => sum + part[key], 0) / parts.length
  return {
    E: mean('E'),
    F: mean('F'),
    amplitudeFidelity: mean('amplitudeFidelity'),
    tvd: mean('tvd'),
    effectiveBits: accuracyOf(exact, errors).effectiveBits,
    ...errorParts.found(),
  }
}

/** Each input alone at +1 and −1, then random vectors, each with both signs. Shape: [symbol, input]. */
function testInputs(size: number, random: RandomStream): Float64Array {
  const inputs = new Float64Array((2 * size + VECTORS) * size)
  for (let port = 0; port < size; port++) {
    inputs[2 * port * size + port] = 1
    inputs[(2 * port + 1) * size + port] = -1
  }
  for (let vector = 2 * size; vector < 2 * size + VECTORS; vector += 2) {
    for (let at = vector * size; at < (vector + 1) * size; at++) {
      inputs[at] = random.uniform(-1, 1)
      inputs[at + size] = -inputs[at]!
    }
  }
  return inputs
}

function readMatrix(outputs: Float64Array, size: number): Float64Array {
  return Float64Array.from({ length: size * size }, (_, element) => {
    const [output, input] = [Math.floor(element / size), element % size]
    return (outputs[2 * input * size + output]! - outputs[(2 * input + 1) * size + output]!) / 2
  })
}

/** Haar-distributed, by Gram–Schmidt on normal numbers. */
export function randomOrthogonal(size: number, random: RandomStream): Float64Array {
  const rows = Array.from({ length: size }, () => Float64Array.from({ length: size }, () => random.normal()))
  for (const [i, row] of rows.entries()) {
    for (const before of rows.slice(0, i)) {
      const share = row.reduce((sum, value, k) => sum + value * before[k]!, 0)
      for (let k = 0; k < size; k++) row[k]! -= share * before[k]!
    }
    const norm = Math.hypot(...row)
    for (let k = 0; k < size; k++) row[k]! /= norm
  }
  return Float64Array.from(rows.flatMap((row) => [...row]))
}

/** Metrics of a measured matrix against an orthogonal one. Formulas: docs/calibration.md. */
function compareMatrices(
  target: Float64Array,
  measured: Float64Array,
  size: number,
): { E: number; F: number; amplitudeFidelity: number; tvd: number } {
  let [difference, overlap, powerT, powerM, amplitude] = [0, 0, 0, 0, 0]
  for (const [i, t] of target.entries()) {
    const m = measured[i]!
    difference += (m - t) ** 2
    overlap += m * t
    powerT += t * t
    powerM += m * m
    amplitude += Math.abs(m) * Math.abs(t)
  }
  let tvd = 0
  for (let input = 0; input < size; input++) {
    let [sumT, sumM] = [0, 0]
    for (let output = 0; output < size; output++) {
      sumT += target[output * size + input]! ** 2
      sumM += measured[output * size + input]! ** 2
    }
    for (let output = 0; output < size; output++) {
      const at = output * size + input
      tvd += Math.abs(target[at]! ** 2 / sumT - measured[at]! ** 2 / sumM) / (2 * size)
    }
  }
  return {
    E: Math.sqrt(difference / size),
    F: overlap ** 2 / (powerT * powerM),
    amplitudeFidelity: amplitude / size / Math.sqrt(powerM / powerT),
    tvd,
  }
}

async function* asyncOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}
