import { DEFAULT_DESIGN, WEIGHT_HEADROOM } from '../../core/mesh-design.ts'
import { meshCoreLayout } from '../../core/mesh-layout.ts'
import type { ModelledBench } from '../../core/product-core.ts'
import { lossDbToFieldRatio } from '../../core/quantities.ts'
import { singularWorkFloats, tileLine } from '../kernels/kernel-engine.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { DETECTOR_FLOATS } from '../kernels/reference/detection.ts'
import { Fibres } from '../optics/fibre.ts'
import { LaneFilters } from '../optics/lane-filters.ts'
import { fabricateLanePath } from '../optics/lane-path.ts'
import type { MeshWorldSpec } from '../optics/mesh-world-spec.ts'
import { fabricateModulator, modulatorField } from '../optics/modulator.ts'
import { photodiodePlaces } from '../optics/world-spec.ts'
import { modelledBench } from './modelled-bench.ts'
import { MAX_CODE, modulatorAngles } from './modulator-angles.ts'
import { detectorsOf, emittedMw, intensityKeyOf, readingSigma, scaleDetector } from './product-tables.ts'
import type { BenchSetup, LaneTables, ProductTables, Silence, TileWeights } from './product-tables.ts'

/** A lane of the mesh as it was fabricated: what its light goes through, and how a product is read from it. */
interface Lane {
  readonly tables: LaneTables
  /** [output] factor of a plus or a minus reading that takes its light for signal alone. */
  readonly gains: Float64Array
  readonly silence: Silence
  /** Field at the inputs of V† for an input of 1. */
  readonly unitField: number
  /** [re, im][input, a line] field in silence: codes are whole numbers, so it is not quite dark. */
  readonly silent: Float64Array
}

/**
 * U·Σ·V† with balanced homodyne detection. Paths, filters, modulators and photodiodes are those that the foundry makes of this
 * seed; the mesh makes each tile exactly, as strong as its losses allow.
 *
 * Light is counted before the losses of the outputs, which the photodiodes then have: so all lanes share one tile.
 */
export class MeshProductTables implements ProductTables {
  readonly detection = 'balanced'
  readonly symbolsPerRow = 1
  readonly size: number
  readonly lanes: readonly LaneTables[]
  readonly modelled: ModelledBench
  readonly idealised = [
    'weights of a tile without error, no crosstalk, no drift, calibration without error',
    'one conversion a symbol, of the mean of its points',
    'silence is measured once a tile, not once a frame',
  ]
  readonly #kernels: Kernels
  readonly #lanes: readonly Lane[]
  /** Field through the whole mesh for a weight as large as the largest singular value. */
  readonly #reach: number
  readonly #re: Float32Array
  readonly #im: Float32Array
  readonly #work: Float64Array
  /** [re, im][output, a line] field in silence behind the tile at hand. */
  readonly #silent: Float64Array

  constructor(kernels: Kernels, spec: MeshWorldSpec, setup: BenchSetup) {
    const { size, imperfections: what, design = DEFAULT_DESIGN } = spec
    const layout = meshCoreLayout(size, spec.lanes.length, design)
    this.#kernels = kernels
    this.size = size
    // Every MZI on the longest way, and the attenuator; taps stand before it.
    const meshField = lossDbToFieldRatio(what.mziLossDb * (2 * layout.columns + 1)) * Math.sqrt(1 - what.tapRatio)
    this.#reach = WEIGHT_HEADROOM * meshField
    this.#re = kernels.memory.float32(size * size)
    this.#im = kernels.memory.float32(size * size)
    this.#work = kernels.memory.float64(singularWorkFloats(size))
    this.#silent = kernels.memory.float64(2 * tileLine(size))
    this.#lanes = fabricateLanes(kernels, spec, setup)
    this.lanes = this.#lanes.map(({ tables }) => tables)
    this.modelled = modelledBench(setup, what, {
      modulators: size * spec.lanes.length,
      photodiodes: 2 * size * spec.lanes.length,
      // Phases lie anywhere on the turn, so the mean heater makes half of it.
      heatersMw: layout.heaters.length * what.heaterPiPowerMw,
      lanes: spec.lanes.length,
      symbolsPerRow: 1,
    })
  }

  program(of: TileWeights, pass: number, tile: Float32Array, detectors: readonly Float32Array[]): void {
    const { size } = this
    const { engine } = this.#kernels
    const { weights, turned, line } = of
    const largest = engine.largestSingularValue(weights, turned, line, size, this.#work)
    const fieldPerWeight = largest > 0 ? this.#reach / largest : this.#reach
    engine.fieldsOfWeights(weights, line, size, fieldPerWeight, this.#re)
    engine.packTile(this.#re, this.#im, size, size, tile)
    for (const [at, lane] of this.#lanes.entries()) {
      engine.silentFields(turned, line, size, fieldPerWeight, lane.silent, this.#silent)
      this.#scale(lane, line, fieldPerWeight, pass, detectors[at]!)
    }
  }

  /** What readings of a lane count for behind this tile. */
  #scale(lane: Lane, line: number, fieldPerWeight: number, pass: number, detectors: Float32Array): void {
    const { tables, gains, silence, unitField } = lane
    detectors.set(tables.detectors)
    const perWeight = unitField * fieldPerWeight
    for (let output = 0; output < this.size; output++) {
      const re = this.#silent[output]!
      const im = this.#silent[line + output]!
      const lo = tables.lo[output]!
      const mean = (re * re + im * im + lo * lo) / 2
      const plus = 2 * output
      const minus = plus + 1
      const perSignal = 1 / (2 * lo * perWeight)
      // What silence carries is known, and given back.
      const carried = re / perWeight
      scaleDetector(detectors, plus, perSignal / gains[plus]!, silence(plus, mean + re * lo, pass), carried)
      scaleDetector(detectors, minus, -perSignal / gains[minus]!, silence(minus, mean - re * lo, pass), 0)
    }
  }
}

function fabricateLanes(kernels: Kernels, spec: MeshWorldSpec, setup: BenchSetup): readonly Lane[] {
  const { size, imperfections: what, design = DEFAULT_DESIGN } = spec
  const { seed, voltsPerCode } = setup
  const { memory } = kernels
  const channelsThz = spec.lanes.map(({ frequencyThz }) => frequencyThz)
  const { muxField, demuxPower } = new LaneFilters(size, channelsThz, what, seed).at(Float64Array.from(channelsThz))
  const powersMw = emittedMw(setup, what, channelsThz[0]!)
  const fibres = new Fibres(what)
  const modulators = spec.lanes.map((lane) => lane.modulators.map(({ bias }) => fabricateModulator(bias, what, seed)))
  const angles = modulators.map((lane) => lane.map((modulator) => modulatorAngles(modulator, voltsPerCode)))
  // The field that every modulator reaches with both signs.
  const reach = Math.min(
    ...angles.flat().map(({ radPerCode, biasRad }) => reachOf(radPerCode * MAX_CODE - Math.abs(biasRad))),
  )
  return spec.lanes.map(({ detectors }, lane) => {
    const path = fabricateLanePath(lane, { size, design }, what, seed)
    const ports = Array.from({ length: size }, (_, port) => port)
    const amplitude = Math.sqrt(powersMw[lane]! * fibres.toCore)
    const inField = ports.map(
      (port) => amplitude * Math.hypot(path.inRe[port]!, path.inIm[port]!) * muxField[lane * size + port]!,
    )
    // All other inputs are turned down to the weakest.
    const weakest = Math.min(...inField)
    const outField = ports.map((port) => {
      const passed = demuxPower[(lane * spec.lanes.length + lane) * size + port]!
      return Math.hypot(path.outRe[port]!, path.outIm[port]!) * Math.sqrt(passed)
    })
    const tables = {
      modulators: memory.float32(4 * size),
      fields: memory.float32(512 * size),
      lo: memory.float32(size),
    }
    const line = tileLine(size)
    const silentFields = memory.float64(2 * line)
    for (const port of ports) {
      const { radPerCode, biasRad } = angles[lane]![port]!
      const modulator = modulators[lane]![port]!
      tables.modulators.set([(reach * weakest) / inField[port]!, biasRad, 1 / radPerCode, 0], 4 * port)
      for (let code = -MAX_CODE; code <= MAX_CODE; code++) {
        const { re, im } = modulatorField(modulator, code * voltsPerCode, modulator.lockBiasV)
        tables.fields.set([inField[port]! * re, inField[port]! * im], 512 * port + 2 * (code + 128))
      }
      const silent = 512 * port + 2 * (Math.floor(0.5 - biasRad / radPerCode) + 128)
      silentFields[port] = tables.fields[silent]!
      silentFields[line + port] = tables.fields[silent + 1]!
      const lo = amplitude * Math.hypot(path.loRe[port]!, path.loIm[port]!)
      tables.lo[port] = lo / Math.sqrt(fibres.toCore) / outField[port]!
    }
    const places = photodiodePlaces(detectors)
    const behind = (photodiode: number): number => outField[photodiode >> 1]! ** 2 * fibres.toDetectors
    const { bank, silence } = detectorsOf(kernels, setup, what, places, behind)
    return {
      tables: {
        ...tables,
        detectors: bank.parameters,
        keys: bank.keys,
        intensityKey: intensityKeyOf(seed, lane),
        intensitySigma: readingSigma(setup, what, 1),
      },
      gains: Float64Array.from(places, (_, photodiode) => bank.parameters[DETECTOR_FLOATS * photodiode]!),
      silence,
      unitField: reach * weakest,
      silent: silentFields,
    }
  })
}

const reachOf = (angleRad: number): number => (angleRad < Math.PI / 2 ? Math.sin(angleRad) : 1)
