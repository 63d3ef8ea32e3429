import { awgrWavelength, RING_HALF_WAY, USED_RING_REACH } from '../../core/awgr-layout.ts'
import type { ModelledBench } from '../../core/product-core.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { DETECTOR_FLOATS } from '../kernels/reference/detection.ts'
import { awgrTransmission } from '../optics/awgr.ts'
import { fabricateAwgrCore } from '../optics/awgr-optics.ts'
import type { AwgrCoreTruth } from '../optics/awgr-optics.ts'
import type { AwgrWorldSpec } from '../optics/awgr-world.ts'
import { Fibres } from '../optics/fibre.ts'
import { fabricateModulator, modulatorField } from '../optics/modulator.ts'
import { photodiodePlaces } from '../optics/world-spec.ts'
import { modelledBench } from './modelled-bench.ts'
import { MAX_CODE, modulatorAngles } from './modulator-angles.ts'
import { detectorsOf, emittedMw, intensityKeyOf, readingSigma, scaleDetector } from './product-tables.ts'
import type { BenchSetup, LaneTables, ProductTables, Silence, TileWeights } from './product-tables.ts'

/** One weight: what its light would be at both detectors without its ring, and how far the ring goes. */
interface Element {
  /** mW for an open modulator. */
  readonly dropMw: number
  readonly throughMw: number
  readonly dropPeak: number
  readonly throughFloor: number
  readonly throughFar: number
  /** Of the Lorentzian when the ring is parked. */
  readonly least: number
}

/**
 * Ring banks before routers, read in balanced pairs. Losses, modulators and photodiodes are those that the foundry makes of this
 * seed; each ring makes its weight exactly, alone on its wavelength.
 *
 * Each row is two symbols, its positive and its negative part, each to its own largest value.
 */
export class AwgrProductTables implements ProductTables {
  readonly detection = 'banks'
  readonly symbolsPerRow = 2
  readonly size: number
  readonly lanes: readonly [LaneTables]
  readonly modelled: ModelledBench
  readonly idealised = [
    'weights of a tile without error, no crosstalk, no drift, calibration without error',
    'rings act on their own wavelength alone, and routers leak nothing',
    'one conversion a symbol, of the mean of its points',
    'all detectors see one intensity noise, as large as that of all lasers together',
  ]
  readonly #kernels: Kernels
  /** [output, input] */
  readonly #elements: readonly Element[]
  /** [output]: of the light let through, so that both ends of the range are about as far from 0. */
  readonly #throughShare: Float64Array
  /** [output, input] mW that a weight of either sign reaches for an open modulator. */
  readonly #reachMw: Float64Array
  readonly #silence: Silence
  /** [input] light in silence, for an open modulator’s 1. */
  readonly #silent: Float64Array
  /** Light of an input of 1, for an open modulator’s 1. */
  readonly #unit: number
  readonly #plus: Float32Array
  readonly #minus: Float32Array

  constructor(kernels: Kernels, spec: AwgrWorldSpec, setup: BenchSetup) {
    const { grid, imperfections: what } = spec
    const { size } = grid
    const { memory } = kernels
    const { seed, voltsPerCode } = setup
    this.#kernels = kernels
    this.size = size
    this.#elements = elementsOf(fabricateAwgrCore(grid, what, seed), spec, setup)
    this.#throughShare = Float64Array.from({ length: size }, (_, output) => {
      const row = this.#elements.slice(output * size, (output + 1) * size)
      const sum = (of: (element: Element) => number): number => row.reduce((total, element) => total + of(element), 0)
      return (
        sum(({ dropMw, dropPeak }) => dropMw * dropPeak) / sum(({ throughMw, throughFar }) => throughMw * throughFar)
      )
    })
    this.#reachMw = Float64Array.from(this.#elements, (element, at) => {
      const share = this.#throughShare[Math.floor(at / size)]!
      const [most, least] = [signalMw(element, share, 1), signalMw(element, share, element.least)]
      return USED_RING_REACH * Math.min(most, -least)
    })
    const modulators = spec.modulators.map(({ bias }) => fabricateModulator(bias, what, seed))
    const angles = modulators.map((modulator) => modulatorAngles(modulator, voltsPerCode))
    const field = Math.min(
      ...angles.map(({ radPerCode, biasRad }) =>
        Math.sin(Math.min(Math.PI / 2, radPerCode * MAX_CODE + Math.abs(biasRad))),
      ),
    )
    this.#unit = field ** 2
    const tables = {
      modulators: memory.float32(4 * size),
      fields: memory.float32(256 * size),
      lo: memory.float32(size),
    }
    this.#silent = new Float64Array(size)
    for (const [port, modulator] of modulators.entries()) {
      const { radPerCode, biasRad } = angles[port]!
      // Driven to the side of the null on which the generator reaches farther.
      const side = biasRad >= 0 ? 1 : -1
      tables.modulators.set([field, Math.abs(biasRad), 1 / radPerCode, 0], 4 * port)
      for (let code = -MAX_CODE; code <= MAX_CODE; code++) {
        const { re, im } = modulatorField(modulator, side * code * voltsPerCode, modulator.lockBiasV)
        tables.fields[256 * port + code + 128] = re * re + im * im
      }
      this.#silent[port] = tables.fields[256 * port + Math.floor(0.5 - Math.abs(biasRad) / radPerCode) + 128]!
    }
    const places = photodiodePlaces(spec.detectors)
    const { bank, silence } = detectorsOf(kernels, setup, what, places, () => new Fibres(what).toDetectors)
    this.#silence = silence
    this.lanes = [
      {
        ...tables,
        detectors: bank.parameters,
        keys: bank.keys,
        intensityKey: intensityKeyOf(seed, 0),
        intensitySigma: readingSigma(setup, what, size),
      },
    ]
    this.#plus = memory.float32(size * size)
    this.#minus = memory.float32(size * size)
    this.modelled = modelledBench(setup, what, {
      modulators: size,
      photodiodes: 2 * size,
      heatersMw: ringHeatMw(spec),
      lanes: 1,
      symbolsPerRow: 2,
    })
  }

  program(of: TileWeights, pass: number, tile: Float32Array, lanes: readonly Float32Array[]): void {
    const { size } = this
    const [tables] = this.lanes
    const detectors = lanes[0]!
    detectors.set(tables.detectors)
    const weightPerMw = this.#scales(of)
    for (const [at, element] of this.#elements.entries()) {
      const output = Math.floor(at / size)
      const weight = of.weights[output * of.line + (at % size)]!
      const line = lineFor(element, this.#throughShare[output]!, weight / weightPerMw[output]!)
      this.#plus[at] = element.dropMw * element.dropPeak * line
      this.#minus[at] = element.throughMw * throughOf(element, line)
    }
    this.#kernels.engine.packBanks(this.#plus, this.#minus, size, size, tile)
    for (let output = 0; output < size; output++) {
      for (const [side, powers] of [this.#plus, this.#minus].entries()) {
        const photodiode = 2 * output + side
        let silentMw = 0
        for (let input = 0; input < size; input++) silentMw += powers[output * size + input]! * this.#silent[input]!
        const share = side === 0 ? 1 : -this.#throughShare[output]!
        const perMw = (share * weightPerMw[output]!) / (this.#unit * tables.detectors[DETECTOR_FLOATS * photodiode]!)
        scaleDetector(detectors, photodiode, perMw, this.#silence(photodiode, silentMw, pass), 0)
      }
    }
  }

  /** Each row to the reach of its own rings. Shape: [output], weight per mW of signal. */
  #scales({ weights, line }: TileWeights): Float64Array {
    const { size } = this
    const scales = new Float64Array(size)
    for (let output = 0; output < size; output++) {
      for (let input = 0; input < size; input++) {
        const reached = Math.abs(weights[output * line + input]!) / this.#reachMw[output * size + input]!
        scales[output] = Math.max(scales[output]!, reached)
      }
    }
    // Rows of zeros have no scale of their own.
    const largest = Math.max(...scales) || 1
    return scales.map((scale) => scale || largest)
  }
}

const throughOf = ({ throughFloor, throughFar }: Element, line: number): number =>
  throughFar - (throughFar - throughFloor) * line

/** Balanced signal of one ring for an open modulator. */
const signalMw = (element: Element, share: number, line: number): number =>
  element.dropMw * element.dropPeak * line - share * element.throughMw * throughOf(element, line)

/** Where on its Lorentzian a ring stands for a signal. */
function lineFor(element: Element, share: number, wantedMw: number): number {
  const dark = signalMw(element, share, 0)
  return (wantedMw - dark) / (signalMw(element, share, 1) - dark)
}

function elementsOf(core: AwgrCoreTruth, { grid, imperfections: what }: AwgrWorldSpec, setup: BenchSetup): Element[] {
  const { size } = grid
  const powersMw = emittedMw(setup, what, grid.firstThz)
  const { toCore } = new Fibres(what)
  const elements: Element[] = []
  for (let output = 0; output < size; output++) {
    for (let port = 0; port < size; port++) {
      const k = awgrWavelength(size, port, output)
      const thz = setup.lasers[k]!.frequencyThz
      const beforeMw = (powersMw[k]! * toCore * core.combRatio[k]! * core.portRatio[port]!) / size
      const { dropPeak, throughFloor, throughFar, fwhmThz } = core.rings[core.layout.rings[port]![k]!]!
      const behind = (awgr: AwgrCoreTruth['dropAwgr'], side: number): number =>
        beforeMw * awgrTransmission(awgr, port, output, thz) * core.outputRatio[2 * output + side]!
      elements.push({
        // Past the rings before its own, and past all others.
        dropMw: behind(core.dropAwgr, 0) * throughFar ** k,
        throughMw: behind(core.throughAwgr, 1) * throughFar ** (size - 1),
        ...{ dropPeak, throughFloor, throughFar },
        least: 1 / (1 + ((2 * RING_HALF_WAY * grid.spacingThz) / fwhmThz) ** 2),
      })
    }
  }
  return elements
}

/** A ring is on average half a line's offset from where it is cold: phase ∝ power, π of it per `heaterPiPowerMw`. */
function ringHeatMw({ grid, imperfections: what }: AwgrWorldSpec): number {
  const rings = grid.form === 'shared' ? grid.size : grid.size ** 2
  const turns = what.ringBlueOffsetGhz / 1e3 / what.ringFreeSpectralRangeThz
  return rings * 2 * turns * what.heaterPiPowerMw
}
