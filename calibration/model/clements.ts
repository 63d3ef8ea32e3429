import { clementsIndex } from '../../core/mesh-layout.ts'
import { copyOf } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'

export interface ClementsPhases {
  /** [mzi], in the order of `clementsPlaces`. */
  readonly thetaRad: Float64Array
  readonly phiRad: Float64Array
  /** [port] phases of a screen behind the mesh. */
  readonly outputRad: Float64Array
}

/** Amplitudes of a unitary below this are taken for the rounding that they are. */
const NOTHING = 1e-15

/**
 * Phases of a rectangular mesh of ideal MZIs that make a unitary: U = diag(e^{i·output}) · T_last … T_first.
 *
 * T is the model's MZI without splitter errors. θ lies in 0…π where `branch` is +1 and in −π…0 where it is −1;
 * both make the same U, and only a measurement at other heater settings tells which one a chip is on.
 * φ and the screen lie in 0…2π. Where light goes straight or crosses entirely, any φ will do: it is what leaves the
 * nulled pair of amplitudes unturned.
 *
 * Source: Clements et al., Optica 3, 1460 (2016). Nulling needs no overall phase, so it turns with
 * R = [[e^{iφ} s, c], [e^{iφ} c, −s]], T = i e^{iθ/2} R, half the arithmetic; what T adds is pushed to the screen. O(N³).
 */
export function clementsPhases(unitary: ComplexMatrix, branch?: Int8Array): ClementsPhases {
  const { size } = unitary
  const order = nullingOrder(size)
  const nulling = new Nulling(unitary, branch)
  for (let diagonal = 1, step = 0; diagonal < size; step += diagonal, diagonal++) {
    const mzis = order.mzi.subarray(step, step + diagonal)
    if (diagonal % 2 === 1) nulling.fromRight(diagonal, mzis)
    else nulling.fromLeft(diagonal, mzis)
  }
  return nulling.phases(order)
}

/** A unitary on its way to a diagonal, and the angles that took it there. */
class Nulling {
  readonly #size: number
  readonly #re: Float64Array
  readonly #im: Float64Array
  readonly #branch: Int8Array | undefined
  readonly #thetaRad: Float64Array
  readonly #phiRad: Float64Array
  /** Of the diagonal under way: sin θ/2, cos θ/2, and e^{−iφ}. */
  readonly #turns: Float64Array

  constructor(unitary: ComplexMatrix, branch?: Int8Array) {
    const { size, re, im } = copyOf(unitary)
    this.#size = size
    this.#re = re
    this.#im = im
    this.#branch = branch
    this.#thetaRad = new Float64Array((size * (size - 1)) / 2)
    this.#phiRad = new Float64Array(this.#thetaRad.length)
    this.#turns = new Float64Array(4 * size)
  }

  /**
   * Nulls elements (N − 1 − j, count − 1 − j) by turning columns top, top + 1 with top = count − 1 − j: U·R†.
   *
   * Row by row from the lowest, because rows lie together in memory: row N − 1 − j tells the turn j.
   */
  fromRight(count: number, mzis: Int32Array): void {
    const size = this.#size
    for (let j = 0; j < count; j++) {
      const row = (size - 1 - j) * size
      this.#turnColumns(row, count, j)
      const at = row + count - 1 - j
      // (a, b)·R† begins with a·e^{−iφ}·s + b·c.
      this.#choose(j, mzis[j]!, at, at + 1, true)
      this.#turnColumns(row, count, j + 1, j)
    }
    for (let row = 0; row < size - count; row++) this.#turnColumns(row * size, count, count)
  }

  /** Nulls elements (N + j − count, j) by turning rows top, top + 1 with top = N + j − count − 1: R·U. */
  fromLeft(count: number, mzis: Int32Array): void {
    const size = this.#size
    for (let j = 0; j < count; j++) {
      const upper = (size + j - count - 1) * size
      const lower = upper + size
      // The lower of R·(a, b) is e^{iφ}·a·c − b·s.
      this.#choose(j, mzis[j]!, upper + j, lower + j, false)
      this.#turnRows(upper, lower, j)
    }
  }

  /** Turn j nulls the amplitudes at a (from the right) or b (from the left) of a pair. */
  #choose(j: number, mzi: number, a: number, b: number, right: boolean): void {
    const [ar, ai, br, bi] = [this.#re[a]!, this.#im[a]!, this.#re[b]!, this.#im[b]!]
    let [ma, mb] = [Math.sqrt(ar * ar + ai * ai), Math.sqrt(br * br + bi * bi)]
    const unturned = ma < NOTHING || mb < NOTHING
    if (ma < NOTHING) ma = mb < NOTHING ? 1 : 0
    if (mb < NOTHING) mb = 0
    const r = Math.sqrt(ma * ma + mb * mb)
    const sign = this.#branch?.[mzi] === -1 ? -1 : 1
    const [sin, cos] = right ? [mb / r, ma / r] : [ma / r, mb / r]
    // e^{−iφ}: from the right −b·a*/|ab|, from the left a·b*/|ab|.
    const scale = (right ? -sign : sign) / (ma * mb)
    const turnRe = unturned ? sign : scale * (ar * br + ai * bi)
    const turnIm = unturned ? 0 : scale * (right ? ar * bi - ai * br : ai * br - ar * bi)
    this.#turns.set([sign * sin, cos, turnRe, turnIm], 4 * j)
    this.#thetaRad[mzi] = 2 * sign * Math.atan2(sin, cos)
    this.#phiRad[mzi] = Math.atan2(-turnIm, turnRe)
  }

  /** Turns `from` to `to` of the diagonal on one row: columns top, top + 1 with top = count − 1 − j. */
  #turnColumns(row: number, count: number, to: number, from = 0): void {
    const [re, im, turns] = [this.#re, this.#im, this.#turns]
    for (let j = from, a = row + count - 1 - from; j < to; j++, a--) {
      const [s, c] = [turns[4 * j]!, turns[4 * j + 1]!]
      const [tr, ti] = [turns[4 * j + 2]!, turns[4 * j + 3]!]
      const ar = re[a]! * tr - im[a]! * ti
      const ai = re[a]! * ti + im[a]! * tr
      const [br, bi] = [re[a + 1]!, im[a + 1]!]
      re[a] = s * ar + c * br
      im[a] = s * ai + c * bi
      re[a + 1] = c * ar - s * br
      im[a + 1] = c * ai - s * bi
    }
  }

  /** Turn j on two rows; columns before j hold nothing any more. */
  #turnRows(upper: number, lower: number, j: number): void {
    const [re, im] = [this.#re, this.#im]
    const [s, c, tr, ti] = this.#turns.subarray(4 * j, 4 * j + 4) as unknown as [number, number, number, number]
    for (let a = upper + j, b = lower + j; a < upper + this.#size; a++, b++) {
      const ar = re[a]! * tr + im[a]! * ti
      const ai = im[a]! * tr - re[a]! * ti
      const [br, bi] = [re[b]!, im[b]!]
      re[a] = s * ar + c * br
      im[a] = s * ai + c * bi
      re[b] = c * ar - s * br
      im[b] = c * ai - s * bi
    }
  }

  phases({ top, mzi }: NullingOrder): ClementsPhases {
    const [size, thetaRad, phiRad] = [this.#size, this.#thetaRad, this.#phiRad]
    const screenRad = Float64Array.from({ length: size }, (_, i) => {
      const at = i * size + i
      return Math.atan2(this.#im[at]!, this.#re[at]!)
    })
    // What was nulled from the left stands inverted behind the screen: R†·D = D'·R', last nulled first.
    for (let diagonal = size - 1; diagonal > 0; diagonal--) {
      if (diagonal % 2 === 1) continue
      const first = (diagonal * (diagonal - 1)) / 2
      for (let step = first + diagonal - 1; step >= first; step--) {
        const [upper, k] = [top[step]!, mzi[step]!]
        const [above, below] = [screenRad[upper]!, screenRad[upper + 1]!]
        screenRad[upper] = below - phiRad[k]!
        phiRad[k] = above - below
      }
    }
    this.#addOverallPhases(screenRad)
    for (let k = 0; k < phiRad.length; k++) phiRad[k] = wrapped(phiRad[k]!)
    return { thetaRad, phiRad, outputRad: screenRad.map(wrapped) }
  }

  /** R = −i e^{−iθ/2} T: along the light, what is left over before an MZI is its φ and a phase of both its outputs. */
  #addOverallPhases(screenRad: Float64Array): void {
    const [size, thetaRad, phiRad] = [this.#size, this.#thetaRad, this.#phiRad]
    const left = new Float64Array(size)
    for (let column = 0, k = 0; column < size; column++) {
      for (let upper = column % 2; upper + 1 < size; upper += 2, k++) {
        phiRad[k]! += left[upper]! - left[upper + 1]!
        left[upper] = left[upper + 1] = left[upper + 1]! - Math.PI / 2 - thetaRad[k]! / 2
      }
    }
    for (let port = 0; port < size; port++) screenRad[port]! += left[port]!
  }
}

/** Into 0…2π, the end left out. */
function wrapped(phaseRad: number): number {
  const rest = phaseRad - 2 * Math.PI * Math.floor(phaseRad / (2 * Math.PI))
  return rest < 2 * Math.PI ? rest : 0
}

/** Shape: [step], diagonal by diagonal. */
interface NullingOrder {
  readonly top: Int32Array
  /** Which MZI of the mesh the step becomes. */
  readonly mzi: Int32Array
}

const orders = new Map<number, NullingOrder>()

/** Depends on the size alone. */
function nullingOrder(size: number): NullingOrder {
  const known = orders.get(size)
  if (known !== undefined) return known
  const steps: { readonly step: number; readonly right: boolean; readonly top: number }[] = []
  for (let diagonal = 1; diagonal < size; diagonal++) {
    for (let j = 0; j < diagonal; j++) {
      const right = diagonal % 2 === 1
      steps.push({ step: steps.length, right, top: right ? diagonal - 1 - j : size + j - diagonal - 1 })
    }
  }
  const order = { top: Int32Array.from(steps, ({ top }) => top), mzi: new Int32Array(steps.length) }
  // Light meets those from the right first, in their order, then those from the left, last nulled first.
  const right = steps.filter((one) => one.right)
  const left = steps.filter((one) => !one.right).reverse()
  const free = new Int32Array(size)
  for (const { step, top } of [...right, ...left]) {
    let column = Math.max(free[top]!, free[top + 1]!)
    if (column % 2 !== top % 2) column++
    free[top] = free[top + 1] = column + 1
    order.mzi[step] = clementsIndex(size, column, top)
  }
  orders.set(size, order)
  return order
}
