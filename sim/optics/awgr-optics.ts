import { awgrLayout } from '../../core/awgr-layout.ts'
import type { AwgrForm, AwgrLayout } from '../../core/awgr-layout.ts'
import type { Clock } from '../../core/clock.ts'
import { lossDbToPowerRatio } from '../../core/quantities.ts'
import { RandomStream } from '../../core/random.ts'
import { awgrTransmission, fabricateAwgr } from './awgr.ts'
import type { AwgrTruth } from './awgr.ts'
import type { CoreOptics, Light } from './core-optics.ts'
import { BenchAge } from './drift/bench-age.ts'
import { HeaterDrift } from './drift/heater-drift.ts'
import { Room } from './drift/room.ts'
import { HeaterArray } from './heater-array.ts'
import { fabricateHeaters } from './heater-truth.ts'
import type { HeaterTruth } from './heater-truth.ts'
import { bankOutputs } from './microring.ts'
import type { RingTruth } from './microring.ts'
import type { AwgrImperfections } from './parameters/awgr-parameters.ts'

/** The wavelengths of an AWGR core: `frequenciesThz[k]` = first + k × spacing. */
export interface AwgrGrid {
  readonly size: number
  readonly form: AwgrForm
  readonly firstThz: number
  readonly spacingThz: number
}

/** What was fabricated. For tests and for the oracle. */
export interface AwgrCoreTruth {
  readonly layout: AwgrLayout
  readonly heaters: HeaterTruth
  /** [heater] */
  readonly rings: readonly RingTruth[]
  /** What follows the drop buses, and what follows the through buses. */
  readonly dropAwgr: AwgrTruth
  readonly throughAwgr: AwgrTruth
  /** [laser] from its fibre to the split, [port] of modulator and coupling, [output, side] to the photodiode. */
  readonly combRatio: Float64Array
  readonly portRatio: Float64Array
  readonly outputRatio: Float64Array
}

/**
 * Rings and routers between modulators and detectors, all powers:
 * lasers → comb → split to N ports → modulators → ring banks → a router each for drop and through buses → detectors.
 *
 * A shared bank lies before the split. Detectors are [output, side] with drop (+) before through (−). Wavelengths add
 * in power: they beat at the channel spacing, far above any receiver of the bench.
 */
export class AwgrOptics implements CoreOptics {
  readonly heaters: HeaterArray
  readonly truth: AwgrCoreTruth
  readonly detectors: number
  readonly taps = 0
  readonly sharedModulators = true
  readonly localOscillators = false
  readonly #what: AwgrImperfections
  readonly #room: Room
  readonly #age: BenchAge
  #folded: { version: number; frequencies: string; transmission: Float64Array } | undefined

  constructor(
    grid: AwgrGrid,
    what: AwgrImperfections,
    seed: number,
    clock: Clock,
    age = new BenchAge(clock, { startS: 0, holdS: what.driftHoldS }),
  ) {
    this.#what = what
    this.truth = fabricateAwgrCore(grid, what, seed)
    const drift = new HeaterDrift(this.truth.layout.heaters.length, what, seed)
    this.heaters = new HeaterArray(this.truth.heaters, what.heaterTimeConstantUs, clock, { drift, age })
    this.#room = new Room(what, seed)
    this.#age = age
    this.detectors = 2 * grid.size
  }

  detectorPowersMw({ powersMw, frequenciesThz, fieldRe, fieldIm }: Light): Float64Array {
    const { size } = this.truth.layout
    const transmission = this.#transmission(frequenciesThz)
    const modulated = Float64Array.from(fieldRe, (re, port) => re * re + fieldIm[port]! ** 2)
    const out = new Float64Array(size * this.detectors)
    for (let laser = 0, row = 0, at = 0; laser < size; laser++) {
      for (let detector = 0; detector < this.detectors; detector++, row++) {
        let sum = 0
        for (let port = 0; port < size; port++, at++) sum += transmission[at]! * modulated[port]!
        out[row] = powersMw[laser]! * sum
      }
    }
    return out
  }

  tapPowersMw(): Float64Array {
    return new Float64Array(0)
  }

  /** Power from a laser to a detector through an open modulator of a port. Shape: [laser, detector, port]. */
  #transmission(frequenciesThz: Float64Array): Float64Array {
    const { version } = this.heaters
    const frequencies = frequenciesThz.join()
    if (this.#folded?.version === version && this.#folded.frequencies === frequencies) return this.#folded.transmission
    const transmission = this.#fold(frequenciesThz)
    // While heaters still move the next look may differ.
    this.#folded = this.heaters.settled ? { version, frequencies, transmission } : undefined
    return transmission
  }

  #fold(frequenciesThz: Float64Array): Float64Array {
    const { truth } = this
    const { size, rings } = truth.layout
    const shiftThz = this.#shiftsThz()
    const transmission = new Float64Array(size * this.detectors * size)
    for (const [laser, frequencyThz] of frequenciesThz.entries()) {
      for (const [port, bank] of rings.entries()) {
        const { drop, through } = bankOutputs(
          bank.map((heater) => truth.rings[heater]!),
          frequencyThz,
          bank.map((heater) => shiftThz[heater]!),
        )
        const before = (truth.combRatio[laser]! * truth.portRatio[port]!) / size
        for (let output = 0; output < size; output++) {
          const at = (laser * this.detectors + 2 * output) * size + port
          const dropped = drop * awgrTransmission(truth.dropAwgr, port, output, frequencyThz)
          const passed = through * awgrTransmission(truth.throughAwgr, port, output, frequencyThz)
          transmission[at] = before * dropped * truth.outputRatio[2 * output]!
          transmission[at + size] = before * passed * truth.outputRatio[2 * output + 1]!
        }
      }
    }
    return transmission
  }

  /** [heater]: how far heat has moved each resonance down. A turn of phase is one free spectral range. */
  #shiftsThz(): Float64Array {
    const warmerK = this.#what.chipTemperatureErrorK + this.#room.throughOvenK(this.#age.heldS())
    const warmThz = (this.#what.ringTemperatureGhzPerK * warmerK) / 1e3
    return this.heaters
      .phasesRad()
      .map((rad, heater) => (rad / (2 * Math.PI)) * this.truth.rings[heater]!.freeSpectralRangeThz + warmThz)
  }
}

/** What the foundry makes of such a core, by seed. */
export function fabricateAwgrCore(grid: AwgrGrid, what: AwgrImperfections, seed: number): AwgrCoreTruth {
  const layout = awgrLayout(grid.size, grid.form)
  const stream = (device: string): RandomStream => new RandomStream(seed, `rings/${device}`)
  const [offsets, widths] = [stream('offset'), stream('fwhm')]
  const throughFar = lossDbToPowerRatio(what.ringThroughLossDb)
  const throughFloor = throughFar * lossDbToPowerRatio(what.ringExtinctionDb)
  const rings = layout.heaters.map(({ wavelength }) => {
    const offGhz = what.ringBlueOffsetGhz + offsets.normal(0, what.ringOffsetSigmaGhz)
    return {
      coldThz: grid.firstThz + wavelength * grid.spacingThz + offGhz / 1e3,
      freeSpectralRangeThz: what.ringFreeSpectralRangeThz,
      fwhmThz: (what.ringFwhmGhz / 1e3) * Math.max(0.2, widths.normal(1, what.ringFwhmSpread)),
      dropPeak: (throughFar - throughFloor) * lossDbToPowerRatio(what.ringDropLossDb),
      throughFloor,
      throughFar,
    }
  })
  const losses = (device: string, count: number, lossDb: number, spreadDb: number): Float64Array => {
    const drawn = stream(device)
    return Float64Array.from({ length: count }, () => lossDbToPowerRatio(Math.max(0, drawn.normal(lossDb, spreadDb))))
  }
  const { size } = grid
  return {
    layout,
    // Where a ring stands without heat is its own offset.
    heaters: { ...fabricateHeaters(layout.heaters, what, seed), offsetRad: new Float64Array(layout.heaters.length) },
    rings,
    dropAwgr: fabricateAwgr('drop', grid, what, seed),
    throughAwgr: fabricateAwgr('through', grid, what, seed),
    combRatio: losses('comb', size, what.combLossDb + what.splitExcessLossDb, what.combLossSpreadDb),
    portRatio: losses('port', size, what.portLossDb, what.portLossSpreadDb),
    outputRatio: losses('output', 2 * size, what.outputLossDb, what.outputLossSpreadDb),
  }
}
