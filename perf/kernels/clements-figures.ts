import { CounterRandom } from '../../core/random.ts'
import type { ComplexMatrix } from '../../calibration/fit/complex-matrix.ts'
import { clementsPhases } from '../../calibration/model/clements.ts'
import { clementsPlaces } from '../../core/mesh-layout.ts'
import { Kernels } from '../../sim/kernels/kernels.ts'
import { MeshMatrix, MeshProgram } from '../../sim/kernels/mesh-program.ts'
import type { Figure } from '../figure.ts'
import { figure } from '../figure.ts'
import { noPeer } from './mesh-figures.ts'
import { PeerProcess } from './peer-process.ts'
import { interleaved, milliseconds } from './rounds.ts'

/** Enough for the compilers of JavaScript and WebAssembly to have done their best well before the median. */
const ROUNDS = { 64: 51, 256: 21 } as const
const IN_A_ROW = 5

/** Phases of a rectangular mesh for a random unitary, beside NumPy that changes two rows or columns a step. */
export async function clementsFigures(): Promise<readonly Figure[]> {
  return [...(await decomposition(64)), ...(await decomposition(256))]
}

async function decomposition(size: 64 | 256): Promise<readonly Figure[]> {
  const unitary = haarUnitary(size)
  await using numpy = await PeerProcess.numpy('clements.py', [size], 1)
  // A single one after the peer's turn would be timed by the caches that the peer left.
  const inARow = Array.from({ length: IN_A_ROW })
  const taken = await interleaved(
    {
      ours: () => milliseconds(() => inARow.forEach(() => clementsPhases(unitary))) / inARow.length,
      numpy: () => numpy?.round('decompose') ?? NaN,
    },
    ROUNDS[size],
  )
  const name = `Clements decomposition, N = ${size}`
  return [
    figure({
      name,
      value: taken.median('ours'),
      unit: 'ms',
      better: 'lower',
      against: `random unitary, float64, 1 thread, ${IN_A_ROW} in a row`,
    }),
    numpy === undefined
      ? noPeer(`${name}: than NumPy`, 'there is no NumPy here')
      : figure({
          name: `${name}: than NumPy`,
          value: taken.ratio('numpy', 'ours'),
          unit: '× as fast',
          better: 'higher',
          goal: 15,
          against: `two rows or columns a step, ${numpy.about}`,
        }),
    figure({
      name: `${name}: error`,
      value: rebuildError(unitary),
      unit: '‖U−U′‖',
      better: 'lower',
      goal: 1e-13 * size,
      against: 'Frobenius norm, mesh rebuilt by the transfer kernel',
    }),
  ]
}

/** Distance of the mesh with these phases and its screen from what was asked. */
function rebuildError(unitary: ComplexMatrix): number {
  const { size } = unitary
  const kernels = new Kernels('wasm')
  const places = clementsPlaces(size)
  const ideal = { alphaRad: 0, betaRad: 0, fieldRatio: 1 }
  const program = new MeshProgram(
    kernels,
    size,
    places,
    places.map(() => ideal),
  )
  const { thetaRad, phiRad, outputRad } = clementsPhases(unitary)
  program.setPhases(thetaRad, phiRad)
  const matrix = new MeshMatrix(kernels, size)
  matrix.setIdentity()
  program.fold(matrix)
  let sum = 0
  for (let row = 0; row < size; row++) {
    const [cos, sin] = [Math.cos(outputRad[row]!), Math.sin(outputRad[row]!)]
    for (let column = 0; column < size; column++) {
      const [re, im] = [matrix.re[row * matrix.stride + column]!, matrix.im[row * matrix.stride + column]!]
      const at = row * size + column
      sum += (re * cos - im * sin - unitary.re[at]!) ** 2 + (re * sin + im * cos - unitary.im[at]!) ** 2
    }
  }
  return Math.sqrt(sum)
}

/** Random by Haar's measure: columns of normal numbers, each made orthogonal to those before, twice. */
export function haarUnitary(size: number, seed = 1): ComplexMatrix {
  const random = new CounterRandom(seed, 'unitary')
  const re = Float64Array.from({ length: size * size }, (_, i) => random.normal(2 * i))
  const im = Float64Array.from({ length: size * size }, (_, i) => random.normal(2 * i + 1))
  for (let row = 0; row < size; row++) {
    const at = row * size
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < at; other += size) {
        let [dotRe, dotIm] = [0, 0]
        for (let k = 0; k < size; k++) {
          dotRe += re[other + k]! * re[at + k]! + im[other + k]! * im[at + k]!
          dotIm += re[other + k]! * im[at + k]! - im[other + k]! * re[at + k]!
        }
        for (let k = 0; k < size; k++) {
          re[at + k]! -= dotRe * re[other + k]! - dotIm * im[other + k]!
          im[at + k]! -= dotRe * im[other + k]! + dotIm * re[other + k]!
        }
      }
      let norm = 0
      for (let k = 0; k < size; k++) norm += re[at + k]! ** 2 + im[at + k]! ** 2
      for (let k = 0; k < size; k++) {
        re[at + k]! /= Math.sqrt(norm)
        im[at + k]! /= Math.sqrt(norm)
      }
    }
  }
  return { size, re, im }
}
