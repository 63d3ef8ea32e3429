import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { mziModel, mziScratch } from '../model/mzi-model.ts'
import { fitArm } from './arm-fit.ts'
import type { Arm, ArmOptions } from './arm-fit.ts'
import { combine, overlap } from './complex-vectors.ts'
import type { ComplexVector } from './complex-vectors.ts'

/** What the peeling asks for: powers at all outputs, in units of the base matrix, with one heater at V² beyond its base. */
export type ArmProbe = (heater: number, voltageSquared: number, lit: readonly number[]) => Promise<Float64Array>

export interface PeelOptions extends Omit<ArmOptions, 'halfSigma'> {
  /** V² at which each heater is looked at, and how many inputs are lit for it. */
  readonly voltagesSquared: readonly number[]
  readonly inputs: number
  /** Inputs lit for a heater whose arm stays in doubt. */
  readonly maxInputs: number
  /** Gives up at an arm that nothing explains; without it, goes on to the end. */
  readonly mayGiveUp: boolean
  readonly progress?: (done: number, total: number) => void
}

export interface PeeledChip {
  /** [heater] phase at the base setting; NaN where no intensity shows it. */
  readonly baseRad: Float64Array
  /** [heater] NaN where nothing was looked at. */
  readonly radPerV2: Float64Array
}

/** What an interferometer's outputs bring to the chip's outputs, what its inputs do, and how they hang together. */
interface PeeledMzi {
  /** The arm behind the first splitter, in the terms of the outputs. */
  readonly inner: ComplexVector
  /** The upper input. */
  readonly upper: ComplexVector
}

/**
 * A first guess of all phases, interferometer by interferometer from the outputs inwards; undefined when it gave up.
 *
 * Each heater turns one arm u of the two outputs of its interferometer; what those bring to the chip's outputs is known
 * from the columns behind, and what light they get from all inputs is the rest of the base matrix. So either heater
 * needs a few settings of a few inputs, those that light it best (`fitArm`). The two arms of an interferometer are its
 * inner one and its upper input; its lower input is what is orthogonal to that. Phases are then followed along the light.
 *
 * Shapes: `base` [output, input], fields up to phases of rows and columns (`basePhases`). Crosstalk is left out.
 */
export async function peelColumns(
  layout: SvdCoreLayout,
  base: ComplexMatrix,
  probe: ArmProbe,
  options: PeelOptions,
): Promise<PeeledChip | undefined> {
  const { size, mzis, first } = layout
  const ahead: ComplexVector[] = Array.from({ length: size }, (_, port) => unit(size, port))
  const column = (input: number): ComplexVector => ({
    re: Float64Array.from({ length: size }, (_, i) => base.re[i * size + input]!),
    im: Float64Array.from({ length: size }, (_, i) => base.im[i * size + input]!),
  })
  const columns = Array.from({ length: size }, (_, input) => column(input))
  const peeled: PeeledMzi[] = new Array<PeeledMzi>(mzis.length)
  const radPerV2 = new Float64Array(layout.heaters.length).fill(NaN)
  for (let mzi = mzis.length - 1, done = 0; mzi >= 0; mzi--) {
    const { top, column: place } = mzis[mzi]!
    const left: readonly [ComplexVector, ComplexVector] = [ahead[top]!, ahead[top + 1]!]
    const lights = columns.map((each) => lightAt(left, each))
    const byLight = brightest(lights)
    const arm = async (heater: number, halfSigma: number | undefined): Promise<ComplexVector | undefined> => {
      const { voltagesSquared } = options
      let fit: Arm | undefined
      const powers: Float64Array[] = voltagesSquared.map(() => new Float64Array(0))
      for (let count = 0; count < Math.min(options.maxInputs, size);) {
        const more = byLight.slice(count, count === 0 ? options.inputs : count + 1)
        for (const [s, v2] of voltagesSquared.entries()) {
          powers[s] = Float64Array.from([...powers[s]!, ...(await probe(heater, v2, more))])
        }
        count += more.length
        const lit = byLight.slice(0, count)
        const [bases, right] = [lit.map((input) => columns[input]!), lit.map((input) => lights[input]!)]
        fit = fitArm({ voltagesSquared, powers, base: bases, left, right }, { ...options, halfSigma })
        if (fit.rms < SURE_RMS && fit.rivalRms > SURE_RIVAL * fit.rms) break
      }
      radPerV2[heater] = fit!.radPerV2
      options.progress?.(++done, 2 * mzis.length)
      return options.mayGiveUp && fit!.rms > LOST_RMS ? undefined : fit!.state
    }
    const inner = await arm(first.theta[mzi]!, HALF_SIGMA)
    if (inner === undefined) return undefined
    // The first column's φ turns a whole input: what comes of that input is its light, and no power shows it.
    const upper = place === 0 ? normalised(lights[top]!) : await arm(first.phi[mzi]!, undefined)
    if (upper === undefined) return undefined
    peeled[mzi] = { inner, upper }
    ahead[top] = combine(at(upper, 0), left[0], at(upper, 1), left[1])
    ahead[top + 1] = combine(at(below(upper), 0), left[0], at(below(upper), 1), left[1])
  }
  return { baseRad: followPhases(layout, peeled), radPerV2 }
}

/** An arm is sure when it leaves no more than this of the brightest readings, and any other one so many times as much. */
const SURE_RMS = 0.025
const SURE_RIVAL = 2.5
/**
 * With more than this something before it went wrong, in the base or behind. On twins of 4 to 8 ports right arms left at
 * most 0.016, and of chips that went wrong the worst arm 0.12 and more.
 */
const LOST_RMS = 0.06

/** Power splits of fabricated couplers: half, give or take this. */
const HALF_SIGMA = 0.08

/** Phases of all heaters from the arms, along the light: ψ is what a waveguide's light has beside its arm's own phase. */
function followPhases(layout: SvdCoreLayout, peeled: readonly PeeledMzi[]): Float64Array {
  const { size, mzis, first } = layout
  const baseRad = new Float64Array(layout.heaters.length).fill(NaN)
  const psi = new Float64Array(size)
  const scratch = mziScratch()
  for (const [mzi, { top, column }] of mzis.entries()) {
    const { inner, upper } = peeled[mzi]!
    // Inner arm: upper output cos, lower output i·sin of the second splitter.
    const between = argOf(inner, 0) - argOf(inner, 1) + Math.PI / 2
    // tan θ/2 is the ratio of what the upper input brings to either output.
    const [ur, ui] = at(upper, 0)
    const [lr, li] = at(upper, 1)
    const [c, s] = [Math.cos(between), Math.sin(between)]
    const [xr, xi] = [ur * c + ui * s, ui * c - ur * s]
    const theta = 2 * Math.atan2(xr * lr + xi * li, lr * lr + li * li)
    mziModel(theta, 0, 0, 0, scratch)
    const value = scratch.value
    // Both columns: e^{iψ_lower}·(e^{i·between}·T_0k, T_1k) against the arm, of the same phase as its light.
    const turned = (k: 0 | 1): ComplexVector => {
      const [re, im] = [value[2 * k]!, value[2 * k + 1]!]
      return {
        re: Float64Array.of(re * c - im * s, value[4 + 2 * k]!),
        im: Float64Array.of(re * s + im * c, value[5 + 2 * k]!),
      }
    }
    const lower = psi[top + 1]! + argOfOverlap(turned(1), below(upper))
    const phi = argOfOverlap(turned(0), upper) - lower + psi[top]!
    baseRad[first.theta[mzi]!] = theta
    if (column > 0) baseRad[first.phi[mzi]!] = phi
    psi[top] = lower + between
    psi[top + 1] = lower
  }
  return baseRad
}

const unit = (size: number, port: number): ComplexVector => {
  const vector = { re: new Float64Array(size), im: new Float64Array(size) }
  vector.re[port] = 1
  return vector
}

const at = ({ re, im }: ComplexVector, i: number): readonly [number, number] => [re[i]!, im[i]!]
const argOf = ({ re, im }: ComplexVector, i: number): number => Math.atan2(im[i]!, re[i]!)

function argOfOverlap(left: ComplexVector, right: ComplexVector): number {
  const [re, im] = overlap(left, right)
  return Math.atan2(im, re)
}

/** Orthogonal to a unit vector of two: (−b*, a*). */
const below = ({ re, im }: ComplexVector): ComplexVector => ({
  re: Float64Array.of(-re[1]!, re[0]!),
  im: Float64Array.of(im[1]!, -im[0]!),
})

function lightAt(left: readonly [ComplexVector, ComplexVector], column: ComplexVector): ComplexVector {
  const [upper, lower] = [overlap(left[0], column), overlap(left[1], column)]
  return { re: Float64Array.of(upper[0], lower[0]), im: Float64Array.of(upper[1], lower[1]) }
}

function normalised({ re, im }: ComplexVector): ComplexVector {
  const norm = Math.hypot(...re, ...im)
  return { re: re.map((value) => value / norm), im: im.map((value) => value / norm) }
}

/** All inputs, those that bring the most light first. */
function brightest(lights: readonly ComplexVector[]): number[] {
  const power = ({ re, im }: ComplexVector): number => re[0]! ** 2 + im[0]! ** 2 + re[1]! ** 2 + im[1]! ** 2
  return lights
    .map((light, input) => ({ input, power: power(light) }))
    .sort((left, right) => right.power - left.power)
    .map(({ input }) => input)
}
