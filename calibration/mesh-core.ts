import type { MeshBench } from '../core/mesh-bench.ts'
import { DEFAULT_DESIGN, designText } from '../core/mesh-design.ts'
import type { CoreKnowledge, Frame, FrameResult, OpticalCore, Tile } from '../core/optical-core.ts'
import { BenchError } from '../core/errors.ts'
import { allDone } from '../orchestrator/frames/frame-runner.ts'
import type { FrameCodes, FrameReading, FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import type { MeshCalibration } from './calibration-record.ts'
import { balancedSignal } from './calibration-record.ts'
import { ChipModel } from './model/chip-model.ts'
import type { Crosstalk } from './model/crosstalk.ts'
import { codeForField, fieldAtCode, reachableField } from './model/modulator-curve.ts'
import { programWeights, voltagesFor } from './model/programming.ts'
import type { ProgrammedTile } from './model/programming.ts'
import { meshKnowledge } from './mesh-knowledge.ts'
import { DriftWatch } from './drift-watch.ts'
import type { WatchOptions } from './drift-watch.ts'
import { portReadings } from './port-readings.ts'
import type { PortCorrections } from './model/port-tracker.ts'
import { CompiledTiles, makeCoreSafe, streamFrames } from './stream-frames.ts'
import type { FrameStages } from './stream-frames.ts'

interface PreparedFrame {
  readonly codes: FrameCodes
  readonly tile: ProgrammedTile
}

/** A tile as it was programmed for one frame, with the corrections that were in force. */
interface TileOnChip extends ProgrammedTile {
  readonly ports: PortCorrections | undefined
}

/**
 * A calibrated mesh core behind its instruments, U·Σ·V† or a single mesh that makes orthogonal matrices.
 *
 * The first symbol of every frame is silent: what the detectors then show is taken off all others. With `watch` it
 * follows what drifts, by the known inputs of its frames and by looks at the chip between them.
 */
export class MeshCore implements OpticalCore<MeshCalibration> {
  readonly shape: { readonly outputs: number; readonly inputs: number }
  readonly lanes: number
  readonly maxSymbolsPerFrame: number
  readonly #bench: MeshBench
  readonly #calibration: MeshCalibration
  readonly #model: ChipModel
  #parameters: Float64Array
  #crosstalk: Crosstalk
  readonly #frames: FrameRunner
  readonly #heaters: HeaterSetter
  readonly #watch: DriftWatch | undefined
  #tiles: CompiledTiles<ProgrammedTile>
  readonly #fieldReach: number
  /** [lane]: the weakest input path, which the others are turned down to. */
  #weakestIn: Float64Array

  /** `frames` has been prepared. */
  constructor(
    bench: MeshBench,
    calibration: MeshCalibration,
    frames: FrameRunner,
    heaters: HeaterSetter,
    watch?: WatchOptions,
  ) {
    const { layout } = bench
    if (calibration.size !== layout.size || calibration.lanes !== layout.lanes) {
      throw new BenchError(
        'SHAPE_MISMATCH',
        `the calibration is for ${calibration.size} ports and ${calibration.lanes} lanes, the bench has ${layout.size} and ${layout.lanes}`,
      )
    }
    const [known, wired] = [designText(calibration.design ?? DEFAULT_DESIGN), designText(layout.design)]
    if (known !== wired) {
      throw new BenchError('SHAPE_MISMATCH', `the calibration is for a core of ${known}, the bench has one of ${wired}`)
    }
    this.shape = { outputs: layout.size, inputs: layout.size }
    this.lanes = layout.lanes
    this.maxSymbolsPerFrame = bench.timing.maxSymbolsPerFrame - 1
    this.#bench = bench
    this.#calibration = calibration
    this.#model = new ChipModel(layout)
    this.#parameters = Float64Array.from(calibration.chip)
    this.#crosstalk = this.#model.crosstalk(this.#parameters)
    this.#frames = frames
    this.#heaters = heaters
    this.#watch = watch && new DriftWatch(bench, calibration, frames, heaters, watch)
    this.#tiles = this.#compiledTiles()
    this.#fieldReach = reachableField(calibration.modulators)
    this.#weakestIn = this.#weakestInputs()
  }

  get followed(): MeshCalibration | undefined {
    const known = this.#watch?.calibration
    return known === this.#calibration ? undefined : known
  }

  get knowledge(): CoreKnowledge {
    return meshKnowledge({
      bench: this.#bench,
      model: this.#model,
      parameters: this.#parameters,
      calibration: this.#calibration,
      tile: (tile) => this.#tiles.of(tile),
      fieldPerInput: (lane, port) => this.#fieldPerInput(lane, port),
      signalPerField: (lane, output) => this.#signalPerField(lane, output),
    })
  }

  async program(tile: Tile, signal: AbortSignal): Promise<void> {
    await this.#heaters.set(this.#tiles.of(tile).voltagesV, signal)
  }

  stream(frames: AsyncIterable<Frame>, signal: AbortSignal): AsyncGenerator<FrameResult> {
    const stages: FrameStages<PreparedFrame, TileOnChip> = {
      prepare: (frame) => ({ codes: this.#encode(frame), tile: this.#tiles.of(frame.tile) }),
      load: (prepared, signal) => this.#load(prepared, signal),
      decode: (frame, tile, reading) => this.#decoded(frame, tile, reading),
      upkeep: () => this.#upkeep(),
    }
    return streamFrames(frames, this.#frames, stages, signal)
  }

  async safe(signal: AbortSignal): Promise<void> {
    await makeCoreSafe(this.#bench, signal)
  }

  async #load({ codes, tile }: PreparedFrame, signal: AbortSignal): Promise<TileOnChip> {
    const ports = this.#watch?.tracker.corrections()
    const voltagesV = ports === undefined ? tile.voltagesV : this.#turned(tile.phasesRad, ports.turnRad)
    await allDone([this.#heaters.set(voltagesV, signal), this.#frames.load(codes, signal)])
    return { ...tile, ports }
  }

  #decoded(frame: Frame, tile: TileOnChip, reading: FrameReading): FrameResult {
    const result = { frame, lanes: this.#decode(reading, tile, frame.tile) }
    if (this.#watch !== undefined) {
      this.#watch.tracker.observe(portReadings(result, tile, this.shape.inputs), this.#watch.nowS)
    }
    return result
  }

  #upkeep(): ((signal: AbortSignal) => Promise<void>) | undefined {
    const watch = this.#watch
    const because = watch?.due()
    if (watch === undefined || because === undefined) return undefined
    return async (signal) => {
      this.#parameters = await watch.follow(because, signal)
      this.#crosstalk = this.#model.crosstalk(this.#parameters)
      this.#tiles = this.#compiledTiles()
      this.#weakestIn = this.#weakestInputs()
    }
  }

  #compiledTiles(): CompiledTiles<ProgrammedTile> {
    const { max } = this.#bench.heaterLimitsV
    return new CompiledTiles(({ weights }) =>
      programWeights(this.#model, this.#parameters, this.#crosstalk, weights, max),
    )
  }

  #weakestInputs(): Float64Array {
    const { lanes, size } = this.#model.layout
    return Float64Array.from({ length: lanes }, (_, lane) =>
      Math.min(...Array.from({ length: size }, (_, port) => this.#inGain(lane, port))),
    )
  }

  /**
   * Voltages with the local oscillators turned back by what they have turned. All heaters are solved for anew: one that
   * comes past a whole turn goes hot or cold, and its neighbours feel it.
   */
  #turned(phasesRad: Float64Array, turnRad: Float64Array): Float64Array {
    const { layout } = this.#model
    const turned = phasesRad.slice()
    for (const [lane, ports] of layout.lo.entries()) {
      for (const [port, heater] of ports.entries()) turned[heater]! -= turnRad[lane * layout.size + port]!
    }
    return voltagesFor(this.#model, this.#parameters, this.#crosstalk, turned, this.#bench.heaterLimitsV.max)
  }

  #encode({ lanes }: Frame): FrameCodes {
    const { size } = this.#model.layout
    return lanes.map((inputs, lane) => {
      const symbols = inputs.length / size
      return Array.from({ length: size }, (_, port) => {
        const codes = new Int8Array(symbols + 1)
        const field = this.#fieldPerInput(lane, port)
        codes[0] = codeForField(this.#calibration.modulators, lane, port, 0)
        for (let symbol = 0; symbol < symbols; symbol++) {
          const input = inputs[symbol * size + port]!
          if (!(Math.abs(input) <= 1)) {
            throw new BenchError(
              'RANGE_EXCEEDED',
              `lane ${lane}, symbol ${symbol}, port ${port}: input ${input} is outside −1…1`,
              {
                context: { lane, symbol, port, input },
              },
            )
          }
          codes[symbol + 1] = codeForField(this.#calibration.modulators, lane, port, input * field)
        }
        return codes
      })
    })
  }

  #decode({ plusMw, minusMw }: FrameReading, { fieldPerWeight, ports }: TileOnChip, tile: Tile): Float64Array[] {
    const { size } = this.#model.layout
    return plusMw.map((outputs, lane) => {
      const symbols = outputs[0]!.length - 1
      const result = new Float64Array(symbols * size)
      for (const [output, plus] of outputs.entries()) {
        const signalAt = (symbol: number): number =>
          balancedSignal(this.#calibration.detectors, lane, output, plus[symbol]!, minusMw[lane]![output]![symbol]!)
        const silence = signalAt(0)
        // Codes are whole numbers, so silence is not quite dark; what it carries is known and given back.
        const carried = this.#silenceCarries(lane, output, tile)
        const tracked = Math.exp(ports?.logGain[lane * size + output] ?? 0)
        const perUnit = tracked * this.#signalPerField(lane, output) * fieldPerWeight[output]!
        for (let symbol = 0; symbol < symbols; symbol++) {
          result[symbol * size + output] = (signalAt(symbol + 1) - silence) / perUnit + carried
        }
      }
      return result
    })
  }

  #silenceCarries(lane: number, output: number, { weights }: Tile): number {
    const { size } = this.#model.layout
    const { modulators } = this.#calibration
    let sum = 0
    for (let port = 0; port < size; port++) {
      const field = fieldAtCode(modulators, lane, port, codeForField(modulators, lane, port, 0))
      sum += (weights[output * size + port]! * field) / this.#fieldPerInput(lane, port)
    }
    return sum
  }

  /** Field of a modulator for an input of 1, so that all input paths bring the same light. */
  #fieldPerInput(lane: number, port: number): number {
    return (this.#fieldReach * this.#weakestIn[lane]!) / this.#inGain(lane, port)
  }

  #signalPerField(lane: number, output: number): number {
    return this.#outGain(lane, output) * this.#weakestIn[lane]! * this.#fieldReach
  }

  #inGain(lane: number, port: number): number {
    const { blocks, layout } = this.#model
    return Math.exp(this.#parameters[blocks.logIn + lane * layout.size + port]!)
  }

  #outGain(lane: number, port: number): number {
    const { blocks, layout } = this.#model
    return Math.exp(this.#parameters[blocks.logOut + lane * layout.size + port]!)
  }
}
