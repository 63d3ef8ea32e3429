import type { AwgrBench } from '../../core/awgr-bench.ts'
import { BenchError } from '../../core/errors.ts'
import type { CoreKnowledge, FollowedQuantity, Frame, FrameResult, OpticalCore, Tile } from '../../core/optical-core.ts'
import { allDone } from '../../orchestrator/frames/frame-runner.ts'
import type { FrameCodes, FrameReading, FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import type { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import type { Verification } from '../calibration-record.ts'
import type { WatchOptions } from '../drift-watch.ts'
import type { CoreUpkeep } from '../mesh-core.ts'
import { CompiledTiles, makeCoreSafe, streamFrames } from '../stream-frames.ts'
import type { FrameStages } from '../stream-frames.ts'
import type { AwgrCalibration } from './awgr-record.ts'
import { BothSigns } from './both-signs.ts'
import { followDrift } from './follow-drift.ts'
import type { FollowedDrift } from './follow-drift.ts'
import { IntensityCodes } from './intensity-codes.ts'
import { laserFrequenciesGhz } from './laser-frequencies.ts'
import { WeightProgrammer } from './programming.ts'
import type { ProgrammedWeights, RingsCalibration } from './programming.ts'
import { PROBE_SYMBOLS, RingProbe } from './steps/ring-probe.ts'
import type { OutputReading } from './steps/ring-probe.ts'
import { ThermalMap } from './thermal.ts'

/** Where rings stand when their drift is followed, as signals in units of what all of them reach: 0 is half-way down. */
const FLANKS = [0, 0.35, -0.35]
/** Light that is left unexplained after the drift was followed, RMS over RMS: more is another chip, or a dead part. */
const MAX_RESIDUAL = 0.05

interface PreparedFrame {
  readonly codes: FrameCodes
  readonly programmed: ProgrammedWeights
}

/**
 * A calibrated AWGR core behind its instruments.
 *
 * Light has no sign: each input vector is two symbols, its positive and its negative part. Their difference is the
 * product, free of what leaks and of what detectors show in the dark, because both symbols have it alike. Shared rings
 * are played with both signs of their weights, too.
 */
export class AwgrCore implements OpticalCore {
  readonly shape: { readonly outputs: number; readonly inputs: number }
  readonly lanes = 1
  readonly maxSymbolsPerFrame: number
  readonly #bench: AwgrBench
  readonly #codes: IntensityCodes
  readonly #frames: FrameRunner
  readonly #heaters: HeaterSetter
  readonly #verification: Verification | undefined
  readonly #watch: WatchOptions | undefined
  #looks = 0
  #lookedS = -Infinity
  #rings: RingsCalibration
  #programmer: WeightProgrammer
  #tiles: CompiledTiles<ProgrammedWeights>

  /** `frames` has been prepared. */
  constructor(
    bench: AwgrBench,
    calibration: Omit<AwgrCalibration, 'fit' | 'verification'> & { readonly verification?: Verification },
    frames: FrameRunner,
    heaters: HeaterSetter,
    { watch }: Pick<CoreUpkeep, 'watch'> = {},
  ) {
    const { layout, timing } = bench
    if (calibration.size !== layout.size || calibration.form !== layout.form) {
      throw new BenchError(
        'SHAPE_MISMATCH',
        `the calibration is for ${calibration.size} ports with ${calibration.form} rings, the bench has ${layout.size} with ${layout.form} rings`,
      )
    }
    this.shape = { outputs: layout.size, inputs: layout.size }
    this.maxSymbolsPerFrame = Math.floor(timing.maxSymbolsPerFrame / 2)
    this.#bench = bench
    this.#codes = new IntensityCodes(calibration.modulators)
    this.#frames = frames
    this.#heaters = heaters
    this.#verification = calibration.verification
    this.#watch = watch
    this.#rings = calibration
    this.#programmer = this.#programmerOf(calibration)
    this.#tiles = this.#noTiles()
  }

  /** What weights are programmed by: as calibrated, or as last followed. */
  get rings(): RingsCalibration {
    return this.#rings
  }

  get knowledge(): CoreKnowledge {
    const { layout, timing, heaterSettleMs } = this.#bench
    const { size, form } = layout
    return {
      weights: form === 'per-port' ? 'any' : 'given',
      readsSilence: false,
      errors: this.#verification?.errors,
      played: (_lane, inputs) =>
        inputs.map((input, i) => {
          const port = i % size
          const share = this.#programmer.inputShares[port]!
          return (
            (Math.sign(input) * this.#codes.inputOf(port, this.#codes.codeOf(port, share * Math.abs(input)))) / share
          )
        }),
      made: (tile) => {
        const { voltagesV, oppositeV, weightPerMw } = this.#tiles.of(tile)
        const oneMw = this.#programmer.weightsMw(voltagesV)
        const otherMw = oppositeV && this.#programmer.weightsMw(oppositeV)
        const signalMw = otherMw === undefined ? oneMw : oneMw.map((mw, at) => (mw - otherMw[at]!) / 2)
        const shares = this.#programmer.inputShares
        return signalMw.map((mw, at) => mw * weightPerMw[Math.floor(at / size)]! * shares[at % size]!)
      },
      signalMw: (weights) => this.#programmer.weightPerMw(weights).map((weight) => 1 / weight),
      // Two symbols for each vector; shared rings are set to both signs of their weights.
      frameSeconds: (symbols, isOtherTile) => {
        const [halves, settings] = form === 'shared' ? [2, isOtherTile ? 2 : 1] : [1, isOtherTile ? 1 : 0]
        return (settings * heaterSettleMs) / 1e3 + halves * 2 * symbols * timing.symbolPeriodS
      },
    }
  }

  /**
   * A few readings with all rings on their flanks: weights of later tiles are programmed for rings and lights as they are
   * now, whatever the temperature of the chip was when it was calibrated.
   *
   * Throws: QUALITY_OUT_OF_BOUNDS when the rings are no longer those of the calibration.
   */
  async follow(signal: AbortSignal): Promise<readonly FollowedQuantity[]> {
    const { shiftGhz, ringsRmsGhz } = await this.#follow(signal)
    return [
      { quantity: 'common shift of the rings since the calibration', unit: 'GHz', value: shiftGhz },
      { quantity: 'shift of single rings beside it, RMS', unit: 'GHz', value: ringsRmsGhz },
    ]
  }

  async #follow(signal: AbortSignal): Promise<FollowedDrift> {
    const { layout } = this.#bench
    const parts = { bench: this.#bench, frames: this.#frames, heaters: this.#heaters }
    const probe = new RingProbe(parts, this.#codes, PROBE_SYMBOLS.judge)
    const scene = { layout, frequenciesGhz: laserFrequenciesGhz(this.#bench), map: new ThermalMap(layout) }
    const readings: OutputReading[] = []
    for (const mw of FLANKS.map((share) => share * this.#programmer.leastReachMw)) {
      readings.push(await probe.read(this.#programmer.voltagesV(new Float64Array(layout.size ** 2).fill(mw)), signal))
    }
    const found = followDrift(scene, readings, this.#rings)
    requireFollowed(found)
    this.#rings = found.calibration
    this.#programmer = this.#programmerOf(found.calibration)
    this.#tiles = this.#noTiles()
    this.#lookedS = this.#nowS
    return found
  }

  get #nowS(): number {
    return this.#bench.clock.monotonicNs() / 1e9
  }

  /** While a job runs rings are followed again as often as the watch says; the job itself begins with it. */
  #upkeep(): ((signal: AbortSignal) => Promise<void>) | undefined {
    const watch = this.#watch
    if (watch === undefined || this.#nowS - this.#lookedS < watch.everyS) return undefined
    return async (signal) => {
      watch.onFollow?.()
      const { residualBefore: before, residual } = await this.#follow(signal)
      watch.onFollowed?.({ round: ++this.#looks, because: 'time', before, heldOut: residual })
    }
  }

  #programmerOf(rings: RingsCalibration): WeightProgrammer {
    const { layout, heaterLimitsV } = this.#bench
    return new WeightProgrammer(layout, laserFrequenciesGhz(this.#bench), rings, heaterLimitsV.max)
  }

  #noTiles(): CompiledTiles<ProgrammedWeights> {
    return new CompiledTiles(({ weights }) => this.#programmer.program(weights))
  }

  async program(tile: Tile, signal: AbortSignal): Promise<void> {
    await this.#heaters.set(this.#tiles.of(tile).voltagesV, signal)
  }

  stream(frames: AsyncIterable<Frame>, signal: AbortSignal): AsyncGenerator<FrameResult> {
    const signs = new BothSigns()
    const isShared = this.#bench.layout.form === 'shared'
    const stages: FrameStages<PreparedFrame, ProgrammedWeights> = {
      prepare: (frame) => {
        const programmed = this.#tiles.of(frame.tile)
        const isOpposite = signs.halfOf(frame)?.sign === -1
        return {
          codes: this.#encode(frame),
          programmed: isOpposite ? { ...programmed, voltagesV: programmed.oppositeV! } : programmed,
        }
      },
      load: (prepared, signal) => this.#load(prepared, signal),
      decode: (frame, programmed, reading) => ({ frame, lanes: [this.#decode(reading, programmed)] }),
      // Both halves of a frame are of the same rings.
      upkeep: (next) => (signs.halfOf(next)?.isFirst === false ? undefined : this.#upkeep()),
    }
    if (!isShared) return streamFrames(frames, this.#frames, stages, signal)
    return signs.join(streamFrames(signs.split(frames), this.#frames, stages, signal))
  }

  async safe(signal: AbortSignal): Promise<void> {
    await makeCoreSafe(this.#bench, signal)
  }

  async #load({ codes, programmed }: PreparedFrame, signal: AbortSignal): Promise<ProgrammedWeights> {
    await allDone([this.#heaters.set(programmed.voltagesV, signal), this.#frames.load(codes, signal)])
    return programmed
  }

  /** Each input vector's positive part, then its negative part. */
  #encode({ lanes }: Frame): FrameCodes {
    const { inputs: size } = this.shape
    const inputs = lanes[0]!
    const vectors = inputs.length / size
    return [
      Array.from({ length: size }, (_, port) => {
        const codes = new Int8Array(2 * vectors).fill(this.#codes.silent[port]!)
        for (let vector = 0; vector < vectors; vector++) {
          const input = inputs[vector * size + port]!
          if (!(Math.abs(input) <= 1)) {
            throw new BenchError('RANGE_EXCEEDED', `symbol ${vector}, port ${port}: input ${input} is outside −1…1`, {
              context: { symbol: vector, port, input },
            })
          }
          const share = this.#programmer.inputShares[port]!
          codes[2 * vector + (input < 0 ? 1 : 0)] = this.#codes.codeOf(port, share * Math.abs(input))
        }
        return codes
      }),
    ]
  }

  #decode({ plusMw, minusMw }: FrameReading, { weightPerMw }: ProgrammedWeights): Float64Array {
    const { outputs: size } = this.shape
    const vectors = plusMw[0]![0]!.length / 2
    const result = new Float64Array(vectors * size)
    for (let output = 0; output < size; output++) {
      const [plus, minus] = [plusMw[0]![output]!, minusMw[0]![output]!]
      const signalMw = (symbol: number): number =>
        plus[symbol]! - this.#programmer.throughShare[output]! * minus[symbol]!
      for (let vector = 0; vector < vectors; vector++) {
        const productMw = signalMw(2 * vector) - signalMw(2 * vector + 1)
        result[vector * size + output] = productMw * weightPerMw[output]!
      }
    }
    return result
  }
}

function requireFollowed({ residual, shiftGhz }: FollowedDrift): void {
  if (residual <= MAX_RESIDUAL) return
  throw new BenchError(
    'QUALITY_OUT_OF_BOUNDS',
    `the rings are no longer those of the calibration: ${(100 * residual).toFixed(1)} % of the light is unexplained, at most ${100 * MAX_RESIDUAL} % is allowed: calibrate again`,
    { context: { residual, shiftGhz, limit: MAX_RESIDUAL } },
  )
}
