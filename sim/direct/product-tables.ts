import type { ModelledBench } from '../../core/product-core.ts'
import { CounterRandom, streamKey } from '../../core/random.ts'
import type { ProductJob } from '../kernels/behavioural-product.ts'
import { DetectorBank } from '../kernels/detector-bank.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { DETECTOR_FLOATS } from '../kernels/reference/detection.ts'
import { FrequencyComb } from '../optics/frequency-comb.ts'
import { intensitySigma } from '../optics/laser-noise.ts'
import type { LightValues } from '../optics/parameters/light-parameters.ts'
import { Photodiode } from '../optics/photodiode.ts'
import type { PhotodiodePlace } from '../optics/world-spec.ts'

/** 12 bits of the meter's range. */
const ADC_STEPS = 4096

/** How a bench is set up around its optics: what its bench file says of instruments. */
export interface BenchSetup {
  readonly seed: number
  /** [laser] as set. */
  readonly lasers: readonly { readonly powerMw: number; readonly frequencyThz: number }[]
  /** Of the generators. */
  readonly voltsPerCode: number
  readonly symbolPeriodS: number
  readonly pointsPerSymbol: number
  /** Of the meters. */
  readonly fullScaleMw: number
  readonly settleS: number
}

/** What is the same for all tiles while the rows of one lane pass. */
export type LaneTables = Pick<
  ProductJob,
  'modulators' | 'fields' | 'lo' | 'detectors' | 'keys' | 'intensityKey' | 'intensitySigma'
>

/** Weights of one tile, float64. Lines hold `line` numbers, see `tileLine`; beyond the edges of B there are zeros. */
export interface TileWeights {
  readonly line: number
  /** [output][line] */
  readonly weights: Float64Array
  /** [input][line] */
  readonly turned: Float64Array
}

/** The light of a bench as the kernels read it, and what makes weights of its optics. */
export interface ProductTables {
  readonly detection: ProductJob['detection']
  readonly size: number
  readonly lanes: readonly LaneTables[]
  readonly symbolsPerRow: 1 | 2
  readonly idealised: readonly string[]
  readonly modelled: ModelledBench
  /**
   * Makes a tile of weights, and scales the detectors of each lane to it.
   *
   * `pass` numbers the noise of what is measured once a tile; `tile` is packed, `detectors` is [lane].
   */
  program(weights: TileWeights, pass: number, tile: Float32Array, detectors: readonly Float32Array[]): void
}

/** Points of a symbol whose mean is a reading: the first and the last of them see its edges. */
export function readingOf({ symbolPeriodS, pointsPerSymbol }: BenchSetup): { averagingS: number; points: number } {
  return {
    averagingS: symbolPeriodS / pointsPerSymbol,
    points: pointsPerSymbol > 2 ? pointsPerSymbol - 2 : pointsPerSymbol,
  }
}

/** [laser]: what leaves its fibre, mW. */
export function emittedMw({ lasers, seed }: BenchSetup, light: LightValues, firstThz: number): number[] {
  const comb = light.frequencyCombSpacingGhz > 0 ? new FrequencyComb(firstThz, light, seed) : undefined
  return lasers.map((set) => (comb?.line(set) ?? set).powerMw)
}

/** σ of one reading's light, relative; a comb's lines share theirs. */
export function readingSigma(setup: BenchSetup, light: LightValues, independentLasers: number): number {
  const { averagingS, points } = readingOf(setup)
  const own = intensitySigma(light.laserRinDbPerHz, averagingS) / Math.sqrt(independentLasers)
  const comb = light.frequencyCombSpacingGhz > 0 ? intensitySigma(light.frequencyCombRinDbPerHz, averagingS) : 0
  return Math.hypot(own, comb) / Math.sqrt(points)
}

/** The photodiodes of one lane, for light times `powerScale` [photodiode]. */
export function detectorsOf(
  kernels: Kernels,
  setup: BenchSetup,
  light: LightValues,
  places: readonly PhotodiodePlace[],
  powerScale: (photodiode: number) => number,
): { readonly bank: DetectorBank; readonly silence: Silence } {
  const { averagingS, points } = readingOf(setup)
  const streams = places.map(({ meter, port }) => `kernels/photodiode/${meter}.${port}`)
  const bank = new DetectorBank(
    kernels,
    places.map(({ meter, port, side }, at) => {
      const linear = new Photodiode(`${meter}.${port}`, light, setup.seed, side).linear(averagingS, points)
      return {
        ...linear,
        responsivityAPerW: linear.responsivityAPerW * powerScale(at),
        fullScaleMw: setup.fullScaleMw,
        steps: ADC_STEPS,
        noiseStream: streams[at]!,
      }
    }),
    setup.seed,
  )
  const normals = streams.map((stream) => new CounterRandom(setup.seed, `${stream}/silence`))
  return { bank, silence: (at, powerMw, pass) => silentMw(bank.parameters, at, powerMw, normals[at]!.normal(pass)) }
}

/** What a photodiode of a lane reads of the light that is there in silence, by its converter, in mW. */
export type Silence = (photodiode: number, powerMw: number, pass: number) => number

function silentMw(detectors: Float32Array, photodiode: number, powerMw: number, normal: number): number {
  const at = DETECTOR_FLOATS * photodiode
  const quietMw = detectors[at]! * powerMw + detectors[at + 1]!
  const variance = Math.max(0, detectors[at + 2]! * quietMw + detectors[at + 3]!)
  const perMw = detectors[at + 4]!
  return Math.floor((quietMw + Math.sqrt(variance) * normal) * perMw + 0.5) / perMw
}

/** Sets what a reading counts for: weight · (mW − silent mW) + offset, in the job's own unit. */
export function scaleDetector(
  detectors: Float32Array,
  photodiode: number,
  weightPerMw: number,
  silentMw: number,
  offset: number,
): void {
  const at = DETECTOR_FLOATS * photodiode
  detectors[at + 6] = weightPerMw / detectors[at + 4]!
  detectors[at + 7] = offset - weightPerMw * silentMw
}

export const intensityKeyOf = (seed: number, lane: number): number => streamKey(seed, `kernels/laser/${lane}/rin`)
