import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { invertComplex, multiplyComplex, solveComplex } from '../fit/complex-algebra.ts'
import { complexIdentity, copyOf } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { fitAttenuator } from './attenuator-fit.ts'
import { sharpenBlocks, standApart } from './block-frame.ts'
import { ChipModel } from './chip-model.ts'
import type { Crosstalk } from './crosstalk.ts'
import { fitMzi } from './mzi-fit.ts'
import type { FittedMzi, MziChange } from './mzi-fit.ts'
import { mziModel, mziScratch } from './mzi-model.ts'
import { peelingStages } from './peeling-stages.ts'
import type { PeelingBlock, PeelingStage } from './peeling-stages.ts'
import { predictFields } from './chip-fit.ts'
import { elementCount } from './chip-parameters.ts'
import { portGains } from './port-gains.ts'
import type { PortGains } from './port-gains.ts'
import { shutAttenuator } from './shut-attenuator.ts'
import type { ShutAttenuator } from './shut-attenuator.ts'

/** Both quadratures of lane 0 at one setting. */
export interface ChipLook {
  /** [heater] */
  readonly voltagesV: Float64Array
  readonly matrix: ComplexMatrix
}

export interface PeelingLooks {
  /** Attenuators open, so that the matrix can be inverted. */
  readonly base: ChipLook
  /** [stage as in `peelingStages`][setting]: heaters of that stage alone differ from the base. */
  readonly stages: readonly (readonly ChipLook[])[]
  readonly nominalRadPerV2: number
  /** [heater], as far as fringes have told. Others are NaN. */
  readonly radPerV2: Float64Array
  /** [waveguide] phase of each attenuator's MZI at the base setting. */
  readonly attenuatorRad: Float64Array
}

export interface PeeledChip {
  /** As in `parameterBlocks`; phases of lane 0's inputs are 0. */
  readonly parameters: Float64Array
  /** [heater] the most that it alone turned the light of its waveguide by, as |e^{iφ} − 1|. */
  readonly turned: Float64Array
}

export type PeelingOutcome =
  | ({ readonly outcome: 'peeled' } & PeeledChip)
  /** Some input's light reaches no output: the base matrix cannot be inverted. */
  | { readonly outcome: 'dark' }
  /** Next to nothing passes an attenuator that should be open. */
  | ({ readonly outcome: 'shut' } & ShutAttenuator)
  /** What lies outside a stage is not what it was taken for: its interferometers do not stand apart. */
  | { readonly outcome: 'astray'; readonly stage: PeelingStage }

export type PeelingFailure = Exclude<PeelingOutcome, { readonly outcome: 'peeled' }>

/** Where the fit of crosstalk and losses starts from: typical of silicon chips. */
const FIRST_LAW = { neighbour: 0.008, decayPitch: 1, logMziField: -0.0115 } as const
/** Rounds in which the frame of a stage is turned until its blocks stand apart. */
const SHARPENING_ROUNDS = 1
/** The first pass takes a stage for alone; the later ones take off what its heaters do to the others. */
const PASSES = 3
/** What a stage's heaters do to light outside it, relative to what they do inside; decides how fast passes converge. */
const OUTSIDE = 0.8
/** Below this a heater has not moved: rounding. */
const STILL_V2 = 1e-9
/** Crosstalk never falls to nothing: its logarithm is fitted. */
const LEAST_FACTOR = 0.02

/**
 * A first guess of the whole chip, peeled from the outputs inwards.
 *
 * M = L·C·R, C the stage whose heaters moved: M_s·M_0⁻¹ = L·(C_s·C_0⁻¹)·L⁻¹ falls into 2×2 blocks, one an
 * interferometer, in the frame of what lies outside. The frame L is carried inwards stage by stage and made sharp
 * anew at each from the blocks themselves, so that no error grows on the way.
 */
export function peelChip(layout: SvdCoreLayout, looks: PeelingLooks): PeelingOutcome {
  const model = new ChipModel(layout)
  const { blocks } = model
  let known: Float64Array | undefined
  let parameters: Float64Array = new Float64Array(blocks.count)
  parameters[blocks.logNeighbour] = Math.log(FIRST_LAW.neighbour)
  parameters[blocks.logDecay] = Math.log(FIRST_LAW.decayPitch)
  parameters[blocks.logMziField] = FIRST_LAW.logMziField
  parameters.set(
    looks.radPerV2.map((k) => (Number.isNaN(k) ? looks.nominalRadPerV2 : k)),
    blocks.radPerV2,
  )
  let turned = new Float64Array(layout.heaters.length)
  for (let pass = 0; pass < PASSES; pass++) {
    const peeling = new Peeling(model, looks, parameters, known)
    const peeled = peeling.run()
    if ('outcome' in peeled) return peeled
    parameters = peeled
    known = peeled
    turned = peeling.turned
  }
  return { outcome: 'peeled', parameters, turned }
}

/** One pass from the outputs to the inputs. */
class Peeling {
  readonly #model: ChipModel
  readonly #looks: PeelingLooks
  readonly #parameters: Float64Array
  readonly #crosstalk: Crosstalk
  /** The chip as the pass before found it. */
  readonly #known: Float64Array | undefined
  readonly #gains: PortGains
  /** [heater] phases at the base setting, and [element] of the upper output against the lower one. */
  readonly #baseRad: Float64Array
  readonly #ratioRad: Float64Array
  readonly #givenFactors: number[] = []
  readonly turned: Float64Array<ArrayBuffer>

  constructor(model: ChipModel, looks: PeelingLooks, start: Float64Array, known: Float64Array | undefined) {
    this.#model = model
    this.#looks = looks
    this.#parameters = start.slice()
    this.#known = known
    this.#crosstalk = model.crosstalk(start)
    this.#gains = portGains(looks.base.matrix)
    this.#baseRad = new Float64Array(model.layout.heaters.length)
    this.#ratioRad = new Float64Array(elementCount(model.layout))
    this.turned = new Float64Array(model.layout.heaters.length)
  }

  run(): Float64Array | PeelingFailure {
    const { size } = this.#model.layout
    const base = scaled(this.#looks.base.matrix, this.#gains)
    const inverse = invertComplex(base)
    if (inverse === undefined) return { outcome: 'dark' }
    const stages = peelingStages(this.#model.layout)
    let frame: ComplexMatrix = complexIdentity(size)
    for (const [index, stage] of stages.entries()) {
      if (stage.kind === 'attenuators' && this.#known === undefined) {
        const shut = shutAttenuator(inverse, frame)
        if (shut !== undefined) return { outcome: 'shut', ...shut }
      }
      const inside = this.#peel(stage, this.#looks.stages[index]!, inverse, frame)
      if (inside === undefined) return { outcome: 'astray', stage }
      frame = inside
    }
    const rest = solveComplex(frame, base)
    const parameters = rest && this.#finish(stages, rest)
    return parameters?.every(Number.isFinite) === true ? parameters : { outcome: 'astray', stage: stages.at(-1)! }
  }

  /** Fits one stage; the frame of what lies inside it comes back, or nothing where its blocks do not stand apart. */
  #peel(
    stage: PeelingStage,
    looks: readonly ChipLook[],
    inverse: ComplexMatrix,
    outside: ComplexMatrix,
  ): ComplexMatrix | undefined {
    const { size } = outside
    const changes = looks.map((look) => multiplyComplex(scaled(this.#alone(look, stage), this.#gains), inverse))
    const widths = widthsOf(stage, size)
    let frame = outside
    let seen: ComplexMatrix[] = []
    for (let round = 0; round <= SHARPENING_ROUNDS; round++) {
      const inwards = invertComplex(frame)
      if (inwards === undefined) return undefined
      seen = changes.map((change) => multiplyComplex(multiplyComplex(inwards, change), frame))
      if (round < SHARPENING_ROUNDS) frame = sharpenBlocks(frame, seen, widths)
    }
    if (!standApart(seen, widths)) return undefined
    const steps = looks.map(({ voltagesV }) => this.#stepsOf(voltagesV))
    const { alpha, beta } = this.#model.blocks
    for (const block of stage.blocks) {
      const { top, element } = block
      for (const [s, matrix] of seen.entries()) this.#noteTurn(block, stepOf(steps[s]!, block), matrix)
      if (stage.kind === 'column') {
        const fit = fitMzi(
          seen.map((matrix, s) => ({ seen: blockOf(matrix, top), ...stepOf(steps[s]!, block) })),
          this.#looks.nominalRadPerV2,
        )
        this.#adopt(block, fit)
        this.#parameters[alpha + element] = fit.alpha
        this.#parameters[beta + element] = fit.beta
        this.#ratioRad[element] = fit.ratioRad
        this.#givenFactors.push(fit.givenFactor)
        absorbColumn(frame, block, fit)
      } else {
        const at = top * (size + 1)
        const fit = fitAttenuator(
          seen.map(({ re, im }, s) => ({ re: re[at]!, im: im[at]!, ...stepOf(steps[s]!, block) })),
          { thetaRad: this.#looks.attenuatorRad[top]!, radPerV2: this.#looks.nominalRadPerV2 },
        )
        this.#adopt(block, fit)
        absorbAttenuator(frame, top, fit.thetaRad)
      }
    }
    return frame
  }

  /** A setting that moved one heater of a block alone shows whether that heater lives. */
  #noteTurn({ top, width, theta, phi }: PeelingBlock, step: BlockStep, { size, re, im }: ComplexMatrix): void {
    const movesTheta = Math.abs(step.thetaV2) > STILL_V2
    const movesPhi = Math.abs(step.phiV2) > STILL_V2
    if (movesTheta === movesPhi) return
    const heater = movesTheta ? theta : phi
    // The trace of 1 + (e^{iφ} − 1)·(a projector) less that of nothing done.
    let real = -width
    let imaginary = 0
    for (let at = top; at < top + width; at++) {
      real += re[at * (size + 1)]!
      imaginary += im[at * (size + 1)]!
    }
    this.turned[heater] = Math.max(this.turned[heater]!, Math.hypot(real, imaginary))
  }

  #adopt({ theta, phi }: PeelingBlock, fit: { thetaRad: number; thetaRadPerV2: number; phiRadPerV2: number }): void {
    const { radPerV2 } = this.#model.blocks
    this.#parameters[radPerV2 + theta] = fit.thetaRadPerV2
    this.#parameters[radPerV2 + phi] = fit.phiRadPerV2
    this.#baseRad[theta] = fit.thetaRad
  }

  /** What a setting would show if the heaters of its stage warmed nothing outside it, as far as the chip is known. */
  #alone({ voltagesV, matrix }: ChipLook, stage: PeelingStage): ComplexMatrix {
    if (this.#known === undefined) return matrix
    const phases = this.#model.phases(this.#known, this.#crosstalk, voltagesV)
    const alone = this.#model.phases(this.#known, this.#crosstalk, this.#looks.base.voltagesV)
    for (const { theta, phi } of stage.blocks) for (const heater of [theta, phi]) alone[heater] = phases[heater]!
    const with_ = predictFields(this.#model, this.#known, phases, 0)
    const without = predictFields(this.#model, this.#known, alone, 0)
    return {
      size: matrix.size,
      re: matrix.re.map((value, i) => value + without.re[i]! - with_.re[i]!),
      im: matrix.im.map((value, i) => value + without.im[i]! - with_.im[i]!),
    }
  }

  #stepsOf(voltagesV: Float64Array): Steps {
    const { base } = this.#looks
    const { radPerV2 } = this.#model.blocks
    const v2 = voltagesV.map((v, h) => v * v - base.voltagesV[h]! ** 2)
    return { v2, givenRad: this.#crosstalk.given(v2.map((value, h) => value * this.#parameters[radPerV2 + h]!)) }
  }

  #finish(stages: readonly PeelingStage[], rest: ComplexMatrix): Float64Array {
    const { blocks, layout } = this.#model
    const { size } = layout
    const parameters = this.#parameters
    const diagonal = Array.from({ length: size }, (_, port) => {
      const at = port * (size + 1)
      return { phase: Math.atan2(rest.im[at]!, rest.re[at]!), level: Math.hypot(rest.re[at]!, rest.im[at]!) }
    })
    const level = diagonal.reduce((sum, { level: one }) => sum + one, 0) / size
    followPhases(
      layout,
      stages,
      this.#ratioRad,
      Float64Array.from(diagonal, ({ phase }) => phase),
      this.#baseRad,
    )
    const factor = this.#givenFactors.toSorted((a, b) => a - b)[this.#givenFactors.length >> 1] ?? 1
    // Whatever the law is, this ends where a stage by itself shows what was taken off the others.
    const trueFactor = (factor + (this.#known === undefined ? 0 : OUTSIDE)) / (1 + OUTSIDE)
    parameters[blocks.logNeighbour]! += Math.log(Math.max(LEAST_FACTOR, trueFactor))
    const self = this.#looks.base.voltagesV.map((v, h) => v * v * parameters[blocks.radPerV2 + h]!)
    for (const [h, given] of this.#model.crosstalk(parameters).given(self).entries()) {
      parameters[blocks.offset + h] = this.#baseRad[h]! - self[h]! - given
    }
    for (let port = 0; port < size; port++) {
      parameters[blocks.offset + layout.input[0]![port]!] = 0
      parameters[blocks.logIn + port] = Math.log(this.#gains.input[port]! * level)
      parameters[blocks.logOut + port] = Math.log(this.#gains.output[port]!)
    }
    return parameters
  }
}

/** Where waveguides of a stage belong together: 2 and 2, what no MZI touches alone. */
function widthsOf({ blocks, kind }: PeelingStage, size: number): readonly { top: number; width: 1 | 2 }[] {
  if (kind === 'attenuators') return blocks
  const widths: { top: number; width: 1 | 2 }[] = []
  for (let top = 0; top < size;) {
    const width = blocks.some((block) => block.top === top) ? 2 : 1
    widths.push({ top, width })
    top += width
  }
  return widths
}

/** What each heater got above the base setting: V², and the phase its neighbours added. */
interface Steps {
  readonly v2: Float64Array
  readonly givenRad: Float64Array
}

type BlockStep = Pick<MziChange, 'thetaV2' | 'phiV2' | 'thetaGivenRad' | 'phiGivenRad'>

const stepOf = ({ v2, givenRad }: Steps, { theta, phi }: PeelingBlock): BlockStep => ({
  thetaV2: v2[theta]!,
  phiV2: v2[phi]!,
  thetaGivenRad: givenRad[theta]!,
  phiGivenRad: givenRad[phi]!,
})

function blockOf({ size, re, im }: ComplexMatrix, top: number): Float64Array {
  const a = top * size + top
  const b = (top + 1) * size + top
  return Float64Array.of(re[a]!, im[a]!, re[a + 1]!, im[a + 1]!, re[b]!, im[b]!, re[b + 1]!, im[b + 1]!)
}

/** frame ← frame · D·T, with φ left to the next stage. */
function absorbColumn(frame: ComplexMatrix, { top }: PeelingBlock, fit: FittedMzi): void {
  const { size, re, im } = frame
  const scratch = mziScratch()
  mziModel(fit.thetaRad, 0, fit.alpha, fit.beta, scratch)
  const t = scratch.value.map((value) => value * Math.exp(FIRST_LAW.logMziField))
  const gain = Math.exp(fit.logRatio)
  const c = Math.cos(fit.ratioRad)
  const s = Math.sin(fit.ratioRad)
  for (let row = 0; row < size; row++) {
    const a = row * size + top
    const ar = gain * (re[a]! * c - im[a]! * s)
    const ai = gain * (re[a]! * s + im[a]! * c)
    const br = re[a + 1]!
    const bi = im[a + 1]!
    re[a] = ar * t[0]! - ai * t[1]! + br * t[4]! - bi * t[5]!
    im[a] = ar * t[1]! + ai * t[0]! + br * t[5]! + bi * t[4]!
    re[a + 1] = ar * t[2]! - ai * t[3]! + br * t[6]! - bi * t[7]!
    im[a + 1] = ar * t[3]! + ai * t[2]! + br * t[7]! + bi * t[6]!
  }
}

/** An MZI seen from its upper input to its lower output: i·(1 + e^{iθ})/2. */
function absorbAttenuator({ size, re, im }: ComplexMatrix, waveguide: number, thetaRad: number): void {
  const fr = -Math.sin(thetaRad) / 2
  const fi = (1 + Math.cos(thetaRad)) / 2
  for (let at = waveguide; at < size * size; at += size) {
    const a = re[at]!
    const b = im[at]!
    re[at] = a * fr - b * fi
    im[at] = a * fi + b * fr
  }
}

/**
 * Phases that no stage by itself shows, followed along the light: each column's ratio says what the upper output has
 * against the lower one, and where two waveguides meet again their difference is the φ between.
 */
function followPhases(
  layout: SvdCoreLayout,
  stages: readonly PeelingStage[],
  ratioRad: Float64Array,
  atInputsRad: Float64Array,
  baseRad: Float64Array,
): void {
  const waveguides = Float64Array.from(atInputsRad)
  for (const { kind, blocks } of stages.toReversed()) {
    for (const { top, element, phi } of blocks) {
      if (kind === 'attenuators') {
        baseRad[phi] = waveguides[top]!
        waveguides[top] = 0
        continue
      }
      const bottom = waveguides[top + 1]!
      baseRad[phi] = waveguides[top]! - bottom
      waveguides[top] = bottom + ratioRad[element]!
    }
  }
  for (const [port, heater] of layout.lo[0]!.entries()) baseRad[heater] = -waveguides[port]!
}

/** The matrix without the gains of its ports. */
function scaled(matrix: ComplexMatrix, { input, output }: PortGains): ComplexMatrix {
  const { size, re, im } = copyOf(matrix)
  for (let at = 0; at < re.length; at++) {
    const gain = output[Math.floor(at / size)]! * input[at % size]!
    re[at]! /= gain
    im[at]! /= gain
  }
  return { size, re, im }
}
