import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import type { HeaterSignature } from './heater-signature.ts'

/** The heaters of one waveguide's attenuator, seen at two phases of what should be θ, half a turn apart. */
export interface AttenuatorSignature {
  readonly phi: HeaterSignature
  readonly theta: HeaterSignature
  readonly phiHalfATurnOn: HeaterSignature
  /** The next φ on the same waveguide, where nothing mixes light between. */
  readonly behind?: HeaterSignature
}

/** Sum of two squares that no sound attenuator comes near: splitters, and half a turn that is not quite one. */
const SUSPECT = 0.06
/** The exchange explains what is wrong when it leaves this share of it at most. */
const EXPLAINED = 0.3

/**
 * Which heater of the same waveguide is exchanged with θ of its attenuator. Their light is the same, only its strength differs: under φ passes
 * ½(1 + e^{iθ}), under θ ½·e^{iθ}. The ratio less 1 has modulus 1, and the squares of the ratios at θ and at θ + π add
 * up to 4. Exchanged with φ, the ratio is the inverse, and half a turn of φ changes nothing. Exchanged with the φ behind
 * the attenuator, that one shows what θ should.
 */
export function exchangedWithTheta({
  phi,
  theta,
  phiHalfATurnOn,
  behind,
}: AttenuatorSignature): 'phi' | 'behind' | undefined {
  const ratio = ratioOf(phi.under[0]!, theta.under[0]!)
  const inverse = { re: ratio.re / ratio.power, im: -ratio.im / ratio.power, power: 1 / ratio.power }
  const turned = ratioOf(phiHalfATurnOn.under[0]!, theta.under[0]!)
  const asDrawn = lessOne(ratio) ** 2 + ((ratio.power + turned.power) / 4 - 1) ** 2
  const exchanged = lessOne(inverse) ** 2 + (Math.sqrt(turned.power / ratio.power) - 1) ** 2
  if (!(asDrawn > SUSPECT)) return undefined
  if (exchanged < EXPLAINED * asDrawn) return 'phi'
  const ofBehind = behind && lessOne(ratioOf(phi.under[0]!, behind.under[0]!)) ** 2
  return ofBehind !== undefined && ofBehind < EXPLAINED * asDrawn ? 'behind' : undefined
}

interface Ratio {
  readonly re: number
  readonly im: number
  readonly power: number
}

const lessOne = ({ re, im }: Ratio): number => Math.hypot(re - 1, im) - 1

/** One factor between two matrices that are alike, by least squares. */
function ratioOf(of: ComplexMatrix, to: ComplexMatrix): Ratio {
  let [re, im, norm] = [0, 0, 0]
  for (let i = 0; i < to.re.length; i++) {
    re += of.re[i]! * to.re[i]! + of.im[i]! * to.im[i]!
    im += of.im[i]! * to.re[i]! - of.re[i]! * to.im[i]!
    norm += to.re[i]! ** 2 + to.im[i]! ** 2
  }
  return { re: re / norm, im: im / norm, power: (re * re + im * im) / norm ** 2 }
}
