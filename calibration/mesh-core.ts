import type { MeshBench } from '../core/mesh-bench.ts'
import { DEFAULT_DESIGN, designText } from '../core/mesh-design.ts'
import type { CoreKnowledge, Frame, FrameResult, OpticalCore, Tile } from '../core/optical-core.ts'
import { BenchError } from '../core/errors.ts'
import { allDone } from '../orchestrator/frames/frame-runner.ts'
import type { FrameCodes, FrameReading, FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import type { MeshCalibration } from './calibration-record.ts'
import { balancedSignals } from './calibration-record.ts'
import { ChipModel } from './model/chip-model.ts'
import type { Crosstalk } from './model/crosstalk.ts'
import { LeakedLight } from './model/leaked-light.ts'
import { codeForField, fieldAtCode, reachableField } from './model/modulator-curve.ts'
import { programWeights } from './model/programming.ts'
import type { KnownChip, ProgrammedTile } from './model/programming.ts'
import { meshKnowledge } from './mesh-knowledge.ts'
import { DriftWatch } from './drift-watch.ts'
import type { WatchOptions } from './drift-watch.ts'
import { portReadings } from './port-readings.ts'
import { together, turnedVoltages } from './model/port-corrections.ts'
import type { PortCorrections } from './model/port-corrections.ts'
import { CompiledTiles, makeCoreSafe, streamFrames } from './stream-frames.ts'
import type { FrameStages } from './stream-frames.ts'
import { TileRefiner } from './tile-refiner.ts'
import type { RefinedTile, RefineOptions } from './tile-refiner.ts'

/** As the fitted chip has it; with `ports` as it was measured. */
type CompiledTile = ProgrammedTile & Partial<RefinedTile>

interface PreparedFrame {
  readonly codes: FrameCodes
  readonly tile: CompiledTile
}

/** A tile as it was programmed for one frame. */
interface TileOnChip extends ProgrammedTile {
  readonly codes: FrameCodes
  /** Corrections of all tiles alike that were in force. */
  readonly tracked: PortCorrections | undefined
  /** [lane × outputs + output] ln of each gain beside what the calibration knows. */
  readonly logGain: Float64Array | undefined
}

/** What a core does between frames to stay true. */
export interface CoreUpkeep {
  readonly watch?: WatchOptions | undefined
  readonly refine?: RefineOptions | undefined
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
  readonly #refiner: TileRefiner | undefined
  #tiles: CompiledTiles<CompiledTile>
  readonly #fieldReach: number
  /** [lane]: the weakest input path, which the others are turned down to. */
  #weakestIn: Float64Array
  #leaked: LeakedLight

  /** `frames` has been prepared. */
  constructor(
    bench: MeshBench,
    calibration: MeshCalibration,
    frames: FrameRunner,
    heaters: HeaterSetter,
    { watch, refine }: CoreUpkeep = {},
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
    this.#refiner = refine && new TileRefiner({ bench, frames, heaters }, calibration, refine)
    this.#tiles = this.#compiledTiles()
    this.#fieldReach = reachableField(calibration.modulators)
    this.#weakestIn = this.#weakestInputs()
    this.#leaked = this.#leakedLight()
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
      refineSeconds: this.#refiner?.mostSeconds ?? 0,
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
      upkeep: ({ tile }) => this.#upkeep(tile),
    }
    return streamFrames(frames, this.#frames, stages, signal)
  }

  async safe(signal: AbortSignal): Promise<void> {
    await makeCoreSafe(this.#bench, signal)
  }

  async #load({ codes, tile }: PreparedFrame, signal: AbortSignal): Promise<TileOnChip> {
    const { phasesRad, voltagesV, ports: own } = tile
    const tracked = this.#watch?.tracker.corrections()
    const ports = together(own, tracked)
    const turnedV = ports && turnedVoltages(this.#chip, phasesRad, ports.turnRad)
    await allDone([this.#heaters.set(turnedV ?? voltagesV, signal), this.#frames.load(codes, signal)])
    return { ...tile, codes, tracked, logGain: ports?.logGain }
  }

  #decoded(frame: Frame, tile: TileOnChip, reading: FrameReading): FrameResult {
    const result = { frame, lanes: this.#decode(reading, tile, frame.tile) }
    if (this.#watch !== undefined) {
      const { quadrature, tracked } = tile
      const readings = portReadings(result, { quadrature, ports: tracked }, this.shape.inputs)
      this.#watch.tracker.observe(readings, this.#watch.nowS)
    }
    return result
  }

  #upkeep(tile: Tile): ((signal: AbortSignal) => Promise<void>) | undefined {
    const [watch, refiner] = [this.#watch, this.#refiner]
    const because = watch?.due()
    const isRough = refiner !== undefined && this.#tiles.of(tile).ports === undefined
    if (because === undefined && !isRough) return undefined
    return async (signal) => {
      // A look forgets all tiles.
      if (watch !== undefined && because !== undefined) this.#relearn(await watch.follow(because, signal))
      if (refiner === undefined) return
      const tracked = watch?.tracker.corrections()
      this.#tiles.put(tile, await refiner.refine(tile, this.#tiles.of(tile), this.#chip, tracked, signal))
    }
  }

  #relearn(parameters: Float64Array): void {
    this.#parameters = parameters
    this.#crosstalk = this.#model.crosstalk(parameters)
    this.#tiles = this.#compiledTiles()
    this.#weakestIn = this.#weakestInputs()
    this.#leaked = this.#leakedLight()
  }

  get #chip(): KnownChip {
    const { max: maxVoltageV } = this.#bench.heaterLimitsV
    return { model: this.#model, parameters: this.#parameters, crosstalk: this.#crosstalk, maxVoltageV }
  }

  #compiledTiles(): CompiledTiles<CompiledTile> {
    const { model, parameters, crosstalk, maxVoltageV } = this.#chip
    return new CompiledTiles(({ weights }) => programWeights(model, parameters, crosstalk, weights, maxVoltageV))
  }

  #weakestInputs(): Float64Array {
    const { lanes, size } = this.#model.layout
    return Float64Array.from({ length: lanes }, (_, lane) =>
      Math.min(...Array.from({ length: size }, (_, port) => this.#inGain(lane, port))),
    )
  }

  #leakedLight(): LeakedLight {
    return new LeakedLight(this.#calibration.modulators, (lane, port) => this.#fieldPerInput(lane, port))
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

  #decode(
    reading: FrameReading,
    { codes, fieldPerWeight, logGain, quadrature }: TileOnChip,
    tile: Tile,
  ): Float64Array[] {
    const { size } = this.#model.layout
    return reading.plusMw.map((outputs, lane) => {
      const symbols = outputs[0]!.length - 1
      const result = new Float64Array(symbols * size)
      for (let output = 0; output < size; output++) {
        const signals = balancedSignals(this.#calibration.detectors, lane, output, reading)
        const silence = signals[0]!
        // Codes are whole numbers, so silence is not quite dark; what it carries is known and given back.
        const carried = this.#silenceCarries(lane, output, tile)
        const tracked = Math.exp(logGain?.[lane * size + output] ?? 0)
        const perUnit = tracked * this.#signalPerField(lane, output) * fieldPerWeight[output]!
        for (let symbol = 0; symbol < symbols; symbol++) {
          result[symbol * size + output] = (signals[symbol + 1]! - silence) / perUnit + carried
        }
      }
      this.#leaked.takeFrom(result, lane, codes[lane]!, quadrature)
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
