import { isBenchError } from '../core/errors.ts'
import type { Tile } from '../core/optical-core.ts'
import { currentStep, withStep } from '../core/step-context.ts'
import type { FrameCodes } from '../orchestrator/frames/frame-runner.ts'
import type { MeshCalibration } from './calibration-record.ts'
import { fieldAtCode } from './model/modulator-curve.ts'
import { together, turnedVoltages } from './model/port-corrections.ts'
import type { PortCorrections } from './model/port-corrections.ts'
import { reprogramWeights } from './model/programming.ts'
import type { KnownChip, ProgrammedTile } from './model/programming.ts'
import { findPorts } from './model/tile-correction.ts'
import type { CalibrationContext } from './steps/calibration-context.ts'
import { PROBE_CODE, probeCodes, probedMatrix } from './steps/probe-codes.ts'
import { probePatterns } from './steps/probe-patterns.ts'

export interface RefineOptions {
  /** Corrections that a tile gets at most, each of them measured. */
  readonly rounds: number
  /** Told before a tile is measured; returns the step that its bytes belong to. */
  readonly onRefine?: (tile: number) => number
  /** Told after it, within that step. */
  readonly onRefined?: (refined: Refined) => void
}

/** How one tile came out. */
export interface Refined {
  readonly tile: number
  /** Corrections that were kept. */
  readonly rounds: number
  /**
   * RMS of what the weights were read off by, over all lanes, relative to that of the weights: first, and at last. Null
   * for a tile that could not be read.
   */
  readonly before: number | null
  readonly after: number | null
  readonly frames: number
  /** Input vectors sent through the optics: symbols times lanes. */
  readonly vectors: number
}

/** A tile as it was measured. */
export interface RefinedTile extends ProgrammedTile {
  /** What its ports are off by beside what is tracked of all tiles. */
  readonly ports: PortCorrections
}

/** A correction is worth it when the noise of what it was read from is at most this share of what it corrects. */
const NOISE_SHARE = 0.5
/** Frames that one matrix is read from at most. */
const MOST_READINGS = 4
/**
 * Light is so quiet that the meters round the same codes the same way again: each reading of one matrix plays others.
 *
 * Source: a dither of at least one step decorrelates rounding, Widrow and Kollár, Quantization Noise (2008), §19.
 */
const CODE_STEP = 3

/**
 * Measures the matrix that a programmed tile really makes, and corrects it: Gauss–Newton on the fitted model with the
 * measured residual in the place of the model's own, until that is at the noise.
 *
 * Both quadratures are read before the first correction: they show by themselves what ports have done since the
 * calibration. Later one is enough, because one is detected. A round that makes things worse is undone, and the last.
 */
export class TileRefiner {
  readonly #context: CalibrationContext
  readonly #calibration: MeshCalibration
  readonly #options: RefineOptions
  /** [reading] */
  readonly #codes: readonly FrameCodes[]

  /** `context.frames` has been prepared. */
  constructor(context: CalibrationContext, calibration: MeshCalibration, options: RefineOptions) {
    this.#context = context
    this.#calibration = calibration
    this.#options = options
    this.#codes = Array.from({ length: MOST_READINGS }, (_, reading) =>
      probeCodes(context.bench, () => codeOf(reading)),
    )
  }

  /** Settling of heaters and symbols that a tile takes at most. */
  get mostSeconds(): number {
    const { timing, heaterSettleMs, layout } = this.#context.bench
    const readS = probePatterns(layout.size)[0]!.length * timing.symbolPeriodS
    const { rounds } = this.#options
    if (rounds === 0) return heaterSettleMs / 1e3 + readS
    return ((2 + rounds) * heaterSettleMs) / 1e3 + (2 + rounds * MOST_READINGS) * readS
  }

  /** `tracked`: corrections of all tiles alike that are in force. Leaves: heaters at one of the tile's settings. */
  async refine(
    tile: Tile,
    programmed: ProgrammedTile,
    chip: KnownChip,
    tracked: PortCorrections | undefined,
    signal: AbortSignal,
  ): Promise<RefinedTile> {
    const { onRefine = currentStep, onRefined } = this.#options
    return withStep(onRefine(tile.id), async () => {
      const before = this.#context.frames.vectors
      const { best, ...told } = await this.#rounds(tile, programmed, chip, tracked, signal)
      onRefined?.({ ...told, vectors: this.#context.frames.vectors - before })
      return best
    })
  }

  async #rounds(
    { id, weights }: Tile,
    programmed: ProgrammedTile,
    chip: KnownChip,
    tracked: PortCorrections | undefined,
    signal: AbortSignal,
  ): Promise<Omit<Refined, 'vectors'> & { readonly best: RefinedTile }> {
    const { lanes, size } = this.#context.bench.layout
    const noise = this.#noiseOf(programmed.fieldPerWeight, chip)
    const unit = rms(weights) || 1
    const off = (shown: readonly Float64Array[]): number =>
      rms(Float64Array.from(shown.flatMap((matrix) => [...difference(matrix, weights)]))) / unit
    const none = { turnRad: new Float64Array(lanes * size), logGain: new Float64Array(lanes * size) }
    let now: RefinedTile = { ...programmed, ports: none }
    let best = now
    let [before, after, rounds, frames] = [NaN, Infinity, 0, 0]
    try {
      for (let [round, readings] = [0, 1]; ; round++) {
        const shown = await this.#read(now, chip, tracked, readings, signal)
        frames += readings
        const offNow = off(shown)
        if (round === 0) before = offNow
        if (offNow >= after) break
        best = { ...now, detected: meanOf(shown) }
        ;[after, rounds] = [offNow, round]
        const noiseNow = noise / Math.sqrt(readings)
        if (round === this.#options.rounds || offNow * unit <= noiseNow) break
        let [{ ports }, made] = [now, best.detected]
        if (round === 0) {
          const turned = await this.#read({ ...now, ports: quarterBack(ports) }, chip, tracked, readings, signal)
          frames += readings
          const seen = shown.map((along, lane) => ({ along, across: turned[lane]! }))
          ;({ ports, along: made } = findPorts({ along: now.detected, across: now.quadrature }, seen, noiseNow))
        }
        const beyond = difference(made, now.detected)
        now = { ...reprogramWeights(chip, now, difference(weights, beyond)), ports }
        readings = Math.min(MOST_READINGS, Math.max(1, Math.ceil((noise / (NOISE_SHARE * offNow * unit)) ** 2)))
      }
    } catch (error) {
      // Too bright for a meter, or too hot for a heater: the tile stays as it was.
      if (!isBenchError(error, 'RANGE_EXCEEDED')) throw error
    }
    const isRead = after < Infinity
    return { best, tile: id, rounds, frames, before: isRead ? before : null, after: isRead ? after : null }
  }

  /** The matrix of each lane with what is known of its ports, in units of the weights. */
  async #read(
    { phasesRad, fieldPerWeight, ports: own }: RefinedTile,
    chip: KnownChip,
    tracked: PortCorrections | undefined,
    readings: number,
    signal: AbortSignal,
  ): Promise<readonly Float64Array[]> {
    const { frames, heaters } = this.#context
    const { detectors, modulators } = this.#calibration
    const { turnRad, logGain } = together(own, tracked)!
    await heaters.set(turnedVoltages(chip, phasesRad, turnRad), signal)
    const read: Float64Array[][] = []
    for (let reading = 0; reading < readings; reading++) {
      const code = codeOf(reading)
      const record = await frames.run(this.#codes[reading]!, signal)
      read.push(probedMatrix(record, detectors, (lane, port) => stepOf(modulators, lane, port, code)))
    }
    const { size } = chip.model.layout
    return read[0]!.map((_, lane) =>
      meanOf(read.map((lanes) => lanes[lane]!)).map((signalMw, i) => {
        const output = Math.floor(i / size)
        const gain = Math.exp(logGain[lane * size + output]!)
        return signalMw / (gain * signalPerField(chip, lane, output, i % size) * fieldPerWeight[output]!)
      }),
    )
  }

  /** RMS of what one frame reads a weight off by, from what verification has found of the readings; 0 where it had not. */
  #noiseOf(fieldPerWeight: Float64Array, chip: KnownChip): number {
    const { modulators, verification } = this.#calibration
    const { lanes, size } = chip.model.layout
    const symbols = probePatterns(size)[0]!.length
    let squares = 0
    for (let lane = 0; lane < lanes; lane++) {
      for (let at = 0; at < size * size; at++) {
        const [output, input] = [Math.floor(at / size), at % size]
        const perWeight = signalPerField(chip, lane, output, input) * fieldPerWeight[output]!
        squares += (stepOf(modulators, lane, input, PROBE_CODE) * perWeight) ** -2
      }
    }
    const readingMw = verification.errors?.readingMw ?? 0
    return 2 * readingMw * Math.sqrt(squares / (symbols * lanes * size * size))
  }
}

/** Corrections with which the other quadrature is detected. */
const quarterBack = ({ turnRad, logGain }: PortCorrections): PortCorrections => ({
  turnRad: turnRad.map((turn) => turn - Math.PI / 2),
  logGain,
})

const codeOf = (reading: number): number => PROBE_CODE - CODE_STEP * reading

/** Of the field of a modulator between a code and its opposite. */
const stepOf = (modulators: MeshCalibration['modulators'], lane: number, port: number, code: number): number =>
  fieldAtCode(modulators, lane, port, code) - fieldAtCode(modulators, lane, port, -code)

function signalPerField({ model, parameters }: KnownChip, lane: number, output: number, input: number): number {
  const { blocks, layout } = model
  const [out, into] = [lane * layout.size + output, lane * layout.size + input]
  return Math.exp(parameters[blocks.logOut + out]! + parameters[blocks.logIn + into]!)
}

/** Of several lanes, element by element. */
const meanOf = (matrices: readonly Float64Array[]): Float64Array =>
  matrices[0]!.map((_, i) => matrices.reduce((sum, matrix) => sum + matrix[i]!, 0) / matrices.length)

const difference = (left: Float64Array, right: Float64Array): Float64Array => left.map((value, i) => value - right[i]!)

const rms = (values: Float64Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
