import type { MziPlace } from '../../core/mesh-layout.ts'
import { clementsPlaces } from '../../core/mesh-layout.ts'
import { copyOf } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'

export interface ClementsPhases {
  /** [mzi], in the order of `clementsPlaces`. */
  readonly thetaRad: Float64Array
  readonly phiRad: Float64Array
  /** [port] phases of a screen behind the mesh. */
  readonly outputRad: Float64Array
}

interface Step {
  readonly side: 'right' | 'left'
  /** Element to null. */
  readonly row: number
  readonly column: number
  readonly top: number
  readonly mzi: number
}

/**
 * Phases of a rectangular mesh of ideal MZIs that make a unitary: U = diag(e^{i·output}) · T_last … T_first.
 *
 * T is the model's MZI without splitter errors. θ lies in 0…π where `branch` is +1 and in −π…0 where it is −1;
 * both make the same U, and only a measurement at other heater settings tells which one a chip is on.
 *
 * Source: Clements et al., Optica 3, 1460 (2016). Two rows or columns change a step, so O(N³).
 */
export function clementsPhases(unitary: ComplexMatrix, branch?: Int8Array): ClementsPhases {
  const { size } = unitary
  const u = copyOf(unitary)
  const { steps, places } = nullingSteps(size)
  const thetaRad = new Float64Array(places.length)
  const phiRad = new Float64Array(places.length)
  for (const step of steps) {
    const { mzi } = step
    const angles = step.side === 'right' ? nullFromRight(u, step) : nullFromLeft(u, step)
    const flip = branch?.[mzi] === -1
    thetaRad[mzi] = flip ? -angles.theta : angles.theta
    phiRad[mzi] = flip ? angles.phi + Math.PI : angles.phi
    if (step.side === 'right') timesInverse(u, step.top, thetaRad[mzi], phiRad[mzi])
    else timesFromLeft(u, step.top, thetaRad[mzi], phiRad[mzi])
  }
  const outputRad = Float64Array.from({ length: size }, (_, i) => Math.atan2(u.im[i * size + i]!, u.re[i * size + i]!))
  // What was nulled from the left stands inverted behind the screen: T†·D = D'·T', last nulled first.
  for (const { side, mzi, top } of steps.toReversed()) {
    if (side === 'right') continue
    const [upper, lower] = [outputRad[top]!, outputRad[top + 1]!]
    outputRad[top] = Math.PI - thetaRad[mzi]! - phiRad[mzi]! + lower
    outputRad[top + 1] = Math.PI - thetaRad[mzi]! + lower
    phiRad[mzi] = upper - lower
  }
  return { thetaRad, phiRad: phiRad.map(wrapped), outputRad: outputRad.map(wrapped) }
}

const wrapped = (phase: number): number => phase - 2 * Math.PI * Math.floor(phase / (2 * Math.PI))

/** T on columns top, top+1 from the right shall null (row, top): U·T⁻¹, T⁻¹ = T†. */
function nullFromRight({ size, re, im }: ComplexMatrix, { row, top }: Step): { theta: number; phi: number } {
  // (a, b)·T† has first entry ∝ a·e^{−iφ} sin(θ/2) + b·cos(θ/2).
  const [a, b] = [row * size + top, row * size + top + 1]
  const [ma, mb] = [Math.hypot(re[a]!, im[a]!), Math.hypot(re[b]!, im[b]!)]
  const theta = 2 * Math.atan2(mb, ma)
  const phi = Math.atan2(im[a]!, re[a]!) - Math.atan2(im[b]!, re[b]!) + Math.PI
  return { theta, phi }
}

/** T on rows top, top+1 from the left shall null (top + 1, column). */
function nullFromLeft({ size, re, im }: ComplexMatrix, { column, top }: Step): { theta: number; phi: number } {
  // Second entry of T·(a, b) ∝ e^{iφ} a cos(θ/2) − b sin(θ/2).
  const [a, b] = [top * size + column, (top + 1) * size + column]
  const [ma, mb] = [Math.hypot(re[a]!, im[a]!), Math.hypot(re[b]!, im[b]!)]
  const theta = 2 * Math.atan2(ma, mb)
  const phi = Math.atan2(im[b]!, re[b]!) - Math.atan2(im[a]!, re[a]!)
  return { theta, phi }
}

/** The ideal MZI: i e^{iθ/2} [[e^{iφ} s, c], [e^{iφ} c, −s]]. */
function ideal(theta: number, phi: number): readonly [number, number, number, number, number, number, number, number] {
  const [s, c] = [Math.sin(theta / 2), Math.cos(theta / 2)]
  const [re1, im1] = [Math.cos(theta / 2 + Math.PI / 2 + phi), Math.sin(theta / 2 + Math.PI / 2 + phi)]
  const [re2, im2] = [Math.cos(theta / 2 + Math.PI / 2), Math.sin(theta / 2 + Math.PI / 2)]
  return [s * re1, s * im1, c * re2, c * im2, c * re1, c * im1, -s * re2, -s * im2]
}

function timesInverse({ size, re, im }: ComplexMatrix, top: number, theta: number, phi: number): void {
  const [r11, i11, r12, i12, r21, i21, r22, i22] = ideal(theta, phi)
  for (let row = 0; row < size; row++) {
    const a = row * size + top
    const [ar, ai, br, bi] = [re[a]!, im[a]!, re[a + 1]!, im[a + 1]!]
    // (a, b)·T†: first entry a·conj(T11) + b·conj(T12), second a·conj(T21) + b·conj(T22).
    re[a] = ar * r11 + ai * i11 + br * r12 + bi * i12
    im[a] = ai * r11 - ar * i11 + bi * r12 - br * i12
    re[a + 1] = ar * r21 + ai * i21 + br * r22 + bi * i22
    im[a + 1] = ai * r21 - ar * i21 + bi * r22 - br * i22
  }
}

function timesFromLeft({ size, re, im }: ComplexMatrix, top: number, theta: number, phi: number): void {
  const [r11, i11, r12, i12, r21, i21, r22, i22] = ideal(theta, phi)
  for (let column = 0; column < size; column++) {
    const [a, b] = [top * size + column, (top + 1) * size + column]
    const [ar, ai, br, bi] = [re[a]!, im[a]!, re[b]!, im[b]!]
    re[a] = r11 * ar - i11 * ai + r12 * br - i12 * bi
    im[a] = r11 * ai + i11 * ar + r12 * bi + i12 * br
    re[b] = r21 * ar - i21 * ai + r22 * br - i22 * bi
    im[b] = r21 * ai + i21 * ar + r22 * bi + i22 * br
  }
}

const cache = new Map<number, { steps: readonly Step[]; places: readonly MziPlace[] }>()

/** The order of nulling, and which MZI of the mesh each step becomes. Depends on the size alone. */
function nullingSteps(size: number): { steps: readonly Step[]; places: readonly MziPlace[] } {
  const known = cache.get(size)
  if (known !== undefined) return known
  const places = clementsPlaces(size)
  const steps: Omit<Step, 'mzi'>[] = []
  for (let i = 1; i < size; i++) {
    for (let j = 0; j < i; j++) {
      if (i % 2 === 1) steps.push({ side: 'right', row: size - 1 - j, column: i - 1 - j, top: i - 1 - j })
      else steps.push({ side: 'left', row: size + j - i, column: j, top: size + j - i - 1 })
    }
  }
  // Light meets those from the right first, in their order, then those from the left, last nulled first.
  const right = steps.filter(({ side }) => side === 'right')
  const left = steps.filter(({ side }) => side === 'left').reverse()
  const free = new Int32Array(size)
  const mziOf = new Map<object, number>()
  for (const step of [...right, ...left]) {
    let column = Math.max(free[step.top]!, free[step.top + 1]!)
    if (column % 2 !== step.top % 2) column++
    free[step.top] = column + 1
    free[step.top + 1] = column + 1
    mziOf.set(
      step,
      places.findIndex((place) => place.column === column && place.top === step.top),
    )
  }
  const made = { steps: steps.map((step) => ({ ...step, mzi: mziOf.get(step)! })), places }
  cache.set(size, made)
  return made
}
