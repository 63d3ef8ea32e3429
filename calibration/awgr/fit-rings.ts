import type { AwgrLayout } from '../../core/awgr-layout.ts'
import type { FittedRing, PathGains, ThermalLaw } from './awgr-record.ts'
import { fitBank } from './bank-fit.ts'
import type { BankData } from './bank-fit.ts'
import { bankLight, BankSlopes, bankStates } from './ring-bank.ts'
import type { BankLight } from './ring-bank.ts'
import type { RingReading } from './steps/ring-probe.ts'
import type { SeenLine } from './steps/sweep-rings.ts'
import type { ThermalMap } from './thermal.ts'

/** Everything about the rings that light and heat tell. */
export interface FittedRings {
  /** [heater] */
  readonly rings: readonly FittedRing[]
  readonly thermal: ThermalLaw
  readonly gains: PathGains
  /** RMS of what is left over all paths and settings, relative to the RMS of their light. */
  readonly relativeResidual: number
}

export interface RingsGuess {
  readonly rings: readonly FittedRing[]
  readonly thermal: ThermalLaw
}

const TYPICAL_THERMAL: ThermalLaw = { neighbourShare: 0.01, decayPitch: 1 }
/** Line widths tried for the first guess, by how well one bank then fits. */
const WIDTHS_GHZ = [5, 8, 12, 18, 27, 40, 60]
const TRIAL_ITERATIONS = 8
const MAX_ITERATIONS = 12
/** Each round heats every ring with what the round before found of its neighbours. */
const ROUNDS = 3

/** The rings of a core, the lasers they meet (on any common scale) and the ways of heat between them. */
export interface RingScene {
  readonly layout: AwgrLayout
  readonly frequenciesGhz: Float64Array
  readonly map: ThermalMap
}

/** A guess from the lines that were seen, scaled by the line width with which one bank fits best. */
export function guessRings(scene: RingScene, readings: readonly RingReading[], lines: readonly SeenLine[]): RingsGuess {
  const guesses = WIDTHS_GHZ.map((fwhmGhz) => {
    const rings = lines.map(({ centreV2 }) => ({ centreV2, tuningGhzPerV2: fwhmGhz / medianOf(lines, 'widthV2') }))
    return {
      thermal: TYPICAL_THERMAL,
      rings: rings.map(({ centreV2, tuningGhzPerV2 }) => ({
        ...{ tuningGhzPerV2, fwhmGhz, throughFloor: 0 },
        offsetGhz: centreV2 * tuningGhzPerV2,
      })),
    }
  })
  const [bank] = banksOf(scene.layout)
  const costs = guesses.map((guess) => {
    const data = bankData(scene, bank!, readings, guess)
    return fitBank(data, scene.frequenciesGhz, pick(guess, bank!.heaters), TRIAL_ITERATIONS).sumOfSquares
  })
  return guesses[costs.indexOf(Math.min(...costs))]!
}

/**
 * Fits all banks, each with the heat of its neighbours as it is known so far, and one thermal law for all.
 *
 * `readings` are free of leaks.
 */
export function fitRings(
  scene: RingScene,
  readings: readonly RingReading[],
  guess: RingsGuess,
  rounds = ROUNDS,
): FittedRings {
  const banks = banksOf(scene.layout)
  let current = guess
  for (let round = 0; round < rounds; round++) {
    const fits = banks.map((bank) =>
      fitBank(
        bankData(scene, bank, readings, current),
        scene.frequenciesGhz,
        pick(current, bank.heaters),
        MAX_ITERATIONS,
      ),
    )
    const rings = [...current.rings]
    for (const [b, { heaters }] of banks.entries()) {
      for (const [i, heater] of heaters.entries()) rings[heater] = fits[b]!.rings[i]!
    }
    const laws = fits.map(({ thermal }) => thermal)
    current = {
      rings,
      thermal: { neighbourShare: medianOf(laws, 'neighbourShare'), decayPitch: medianOf(laws, 'decayPitch') },
    }
  }
  const { gains, relativeResidual } = measureGains(scene, readings, current)
  return { ...current, gains, relativeResidual }
}

/** What the fitted rings make of other readings: RMS of the difference relative to the RMS of the light. */
export function residualOf(
  scene: RingScene,
  readings: readonly RingReading[],
  fitted: Omit<FittedRings, 'relativeResidual'>,
): number {
  let [left, light] = [0, 0]
  for (const reading of readings) {
    const { drop, through } = pathLights(scene, reading.squaredV, fitted)
    for (let path = 0; path < drop.length; path++) {
      left += (drop[path]! - reading.dropMw[path]!) ** 2 + (through[path]! - reading.throughMw[path]!) ** 2
      light += reading.dropMw[path]! ** 2 + reading.throughMw[path]! ** 2
    }
  }
  return Math.sqrt(left / light)
}

/** Light that the fit expects of each path at its own output, in mW. Shapes: [port × size + wavelength]. */
export function pathLights(
  scene: RingScene,
  squaredV: Float64Array,
  { rings, thermal, gains }: Omit<FittedRings, 'relativeResidual'>,
): { readonly drop: Float64Array; readonly through: Float64Array } {
  const { size } = scene.layout
  const passed = bankLights(scene, squaredV, { rings, thermal })
  const gainOf = (table: PathGains['dropMw'], path: number): number => table[Math.floor(path / size)]![path % size]!
  return {
    drop: Float64Array.from(passed, ({ drop }, path) => gainOf(gains.dropMw, path) * drop),
    through: Float64Array.from(passed, ({ through }, path) => gainOf(gains.throughMw, path) * through),
  }
}

/**
 * More light of each path for more of its own ring's log line width, its floor, or its shift down in GHz: in mW for each of
 * them. Shapes: [port × size + wavelength].
 */
export interface OwnSlopes {
  readonly drop: { readonly width: Float64Array; readonly shift: Float64Array }
  readonly through: { readonly width: Float64Array; readonly shift: Float64Array; readonly floor: Float64Array }
}

export function ownSlopes(
  { layout, frequenciesGhz, map }: RingScene,
  squaredV: Float64Array,
  { rings, thermal, gains }: Omit<FittedRings, 'relativeResidual'>,
): OwnSlopes {
  const { size } = layout
  const each = (): Float64Array => new Float64Array(size * size)
  const found = { drop: { width: each(), shift: each() }, through: { width: each(), shift: each(), floor: each() } }
  const slopes = new BankSlopes(size)
  const banks = bankStates(layout, frequenciesGhz, rings, shiftsGhz(map, squaredV, { rings, thermal }))
  for (const [port, bank] of banks.entries()) {
    for (const [k, frequency] of frequenciesGhz.entries()) {
      const at = port * size + k
      const { u, lorentzianToU, dropToL, throughToL, throughToFloor } = slopes.at(bank, frequency)
      const [dropMw, throughMw] = [gains.dropMw[port]![k]!, gains.throughMw[port]![k]!]
      const lToWidth = -lorentzianToU[k]! * u[k]!
      const lToShift = (2 * lorentzianToU[k]!) / bank.fwhmGhz[k]!
      found.drop.width[at] = dropMw * dropToL[k]! * lToWidth
      found.drop.shift[at] = dropMw * dropToL[k]! * lToShift
      found.through.width[at] = throughMw * throughToL[k]! * lToWidth
      found.through.shift[at] = throughMw * throughToL[k]! * lToShift
      found.through.floor[at] = throughMw * throughToFloor[k]!
    }
  }
  return found
}

interface Bank {
  readonly ports: readonly number[]
  /** [ring]: heater of the ring of each wavelength. */
  readonly heaters: readonly number[]
}

function banksOf({ rings, form }: AwgrLayout): readonly Bank[] {
  if (form === 'shared') return [{ ports: rings.map((_, port) => port), heaters: rings[0]! }]
  return rings.map((heaters, port) => ({ ports: [port], heaters }))
}

const pick = ({ rings, thermal }: RingsGuess, heaters: readonly number[]): RingsGuess => ({
  rings: heaters.map((heater) => rings[heater]!),
  thermal,
})

/** Sums of all ports that share the bank, and the heat that reaches it. */
function bankData(
  { layout, map }: RingScene,
  { ports, heaters }: Bank,
  readings: readonly RingReading[],
  { rings, thermal }: RingsGuess,
): BankData {
  const { size } = layout
  const shape = { length: readings.length * size }
  const law = map.shape(thermal.decayPitch)
  const own = readings.map(({ squaredV }) => squaredV.map((v2, heater) => rings[heater]!.tuningGhzPerV2 * v2))
  const each = (value: (reading: number, ring: number) => number): Float64Array =>
    Float64Array.from(shape, (_, at) => value(Math.floor(at / size), at % size))
  const sum = (values: Float64Array, ring: number): number =>
    ports.reduce((total, port) => total + values[port * size + ring]!, 0)
  return {
    settings: readings.length,
    squaredV: each((s, ring) => readings[s]!.squaredV[heaters[ring]!]!),
    dropMw: each((s, ring) => sum(readings[s]!.dropMw, ring)),
    throughMw: each((s, ring) => sum(readings[s]!.throughMw, ring)),
    warmedGhz: each((s, ring) => map.spreadTo(heaters[ring]!, law.value, own[s]!)),
    warmedSlopeGhz: each((s, ring) => map.spreadTo(heaters[ring]!, law.slope, own[s]!)),
  }
}

/** [path]: light of each path behind its bank, of 1 before it. */
function bankLights(
  { layout, frequenciesGhz, map }: RingScene,
  squaredV: Float64Array,
  { rings, thermal }: RingsGuess,
): BankLight[] {
  const shiftGhz = shiftsGhz(map, squaredV, { rings, thermal })
  return bankStates(layout, frequenciesGhz, rings, shiftGhz).flatMap((bank) =>
    Array.from(frequenciesGhz, (frequency) => bankLight(bank, frequency)),
  )
}

/** [heater]: how far heat moves each ring down. */
function shiftsGhz(map: ThermalMap, squaredV: Float64Array, { rings, thermal }: RingsGuess): Float64Array {
  const own = squaredV.map((v2, heater) => rings[heater]!.tuningGhzPerV2 * v2)
  return map.spread(map.matrix(thermal), own)
}

/** Gain of each path by linear least squares: its light against what its bank lets pass. */
function measureGains(
  scene: RingScene,
  readings: readonly RingReading[],
  guess: RingsGuess,
): { readonly gains: PathGains; readonly relativeResidual: number } {
  const { layout } = scene
  const { size } = layout
  const lights = readings.map(({ squaredV }) => bankLights(scene, squaredV, guess))
  const gain = (key: 'drop' | 'through', path: number): number => {
    let [with_, of] = [0, 0]
    for (const [s, reading] of readings.entries()) {
      const passed = lights[s]![path]![key]
      with_ += passed * (key === 'drop' ? reading.dropMw : reading.throughMw)[path]!
      of += passed * passed
    }
    return with_ / of
  }
  const table = (key: 'drop' | 'through'): number[][] =>
    layout.rings.map((row, port) => row.map((_, wavelength) => gain(key, port * size + wavelength)))
  const gains = { dropMw: table('drop'), throughMw: table('through') }
  return { gains, relativeResidual: residualOf(scene, readings, { ...guess, gains }) }
}

export function medianOf<Key extends string>(items: readonly Readonly<Record<Key, number>>[], key: Key): number {
  const sorted = items.map((item) => item[key]).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
