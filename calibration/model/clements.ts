import { clementsIndex } from '../../core/mesh-layout.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { nullUnitary } from '../kernels/reference/nulling.ts'
import { wasmNulling } from '../kernels/wasm-nulling.ts'

export interface ClementsPhases {
  /** [mzi], in the order of `clementsPlaces`. */
  readonly thetaRad: Float64Array
  readonly phiRad: Float64Array
  /** [port] phases of a screen behind the mesh. */
  readonly outputRad: Float64Array
}

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
export function clementsPhases(
  unitary: ComplexMatrix,
  branch?: Int8Array,
  nulled = wasmNulling() ?? nullUnitary,
): ClementsPhases {
  const { size } = unitary
  const { top, mzi } = nullingOrder(size)
  const signs = new Int8Array(mzi.length)
  for (let step = 0; step < mzi.length; step++) signs[step] = branch?.[mzi[step]!] === -1 ? -1 : 1
  const { turns, diagonal } = nulled(unitary, signs)
  const thetaRad = new Float64Array(mzi.length)
  const phiRad = new Float64Array(mzi.length)
  for (let step = 0; step < mzi.length; step++) {
    const k = mzi[step]!
    thetaRad[k] = 2 * Math.atan2(turns[4 * step]!, turns[4 * step + 1]!)
    phiRad[k] = Math.atan2(-turns[4 * step + 3]!, turns[4 * step + 2]!)
  }
  const outputRad = new Float64Array(size)
  for (let port = 0; port < size; port++) outputRad[port] = Math.atan2(diagonal[2 * port + 1]!, diagonal[2 * port]!)
  // What was nulled from the left stands inverted behind the screen: R†·D = D'·R', last nulled first.
  for (let count = size - 1; count > 0; count--) {
    if (count % 2 === 1) continue
    const first = (count * (count - 1)) / 2
    for (let step = first + count - 1; step >= first; step--) {
      const [upper, k] = [top[step]!, mzi[step]!]
      const [above, below] = [outputRad[upper]!, outputRad[upper + 1]!]
      outputRad[upper] = below - phiRad[k]!
      phiRad[k] = above - below
    }
  }
  addOverallPhases(thetaRad, phiRad, outputRad)
  for (let k = 0; k < phiRad.length; k++) phiRad[k] = wrapped(phiRad[k]!)
  for (let port = 0; port < size; port++) outputRad[port] = wrapped(outputRad[port]!)
  return { thetaRad, phiRad, outputRad }
}

/** R = −i e^{−iθ/2} T: along the light, what is left over before an MZI is its φ and a phase of both its outputs. */
function addOverallPhases(thetaRad: Float64Array, phiRad: Float64Array, screenRad: Float64Array): void {
  const size = screenRad.length
  const left = new Float64Array(size)
  for (let column = 0, k = 0; column < size; column++) {
    for (let upper = column % 2; upper + 1 < size; upper += 2, k++) {
      phiRad[k]! += left[upper]! - left[upper + 1]!
      left[upper] = left[upper + 1] = left[upper + 1]! - Math.PI / 2 - thetaRad[k]! / 2
    }
  }
  for (let port = 0; port < size; port++) screenRad[port]! += left[port]!
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
