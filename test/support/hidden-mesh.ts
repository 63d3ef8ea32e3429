import { intensityPriors } from '../../calibration/intensity/intensity-priors.ts'
import { IntensityModel } from '../../calibration/intensity/intensity-model.ts'
import type { IntensityReading } from '../../calibration/intensity/intensity-model.ts'
import { invisibleHeaters } from '../../calibration/intensity/intensity-programming.ts'
import type { Priors } from '../../calibration/model/chip-fit-input.ts'
import { meshCoreLayout } from '../../core/mesh-layout.ts'
import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { RandomStream } from '../../core/random.ts'

export const HIDDEN_RAD_PER_V2 = 0.098

export interface HiddenMesh {
  readonly layout: SvdCoreLayout
  readonly model: IntensityModel
  readonly parameters: Float64Array
  /** What photodiodes show at these voltages, `noise` included. */
  readonly read: (voltagesV: Float64Array, lit: readonly number[]) => IntensityReading
  /** All inputs at settings of all visible heaters anywhere within a turn. */
  readonly readAnywhere: (count: number, seed: number) => IntensityReading[]
  /** Input vectors read so far. */
  readonly vectors: () => number
}

export interface HiddenMeshOptions {
  readonly size?: number
  readonly seed?: number
  readonly noise?: number
  readonly neighbour?: number
  readonly splitterMean?: number
  readonly splitterSigma?: number
  /** Field of a modulator at rest, relative to its lit field. */
  readonly stray?: number
}

/** A single mesh read by photodiodes of which a test knows all parameters. */
export function hiddenMesh(options: HiddenMeshOptions = {}): HiddenMesh {
  const { size = 4, seed = 1, noise = 1e-4, neighbour = 0.015, stray = 0.05 } = options
  const { splitterMean = 0.06, splitterSigma = 0.02 } = options
  const layout = meshCoreLayout(size, 1, {
    arrangement: 'clements',
    mzi: 'plain',
    form: 'unitary',
    detection: 'intensity',
  })
  const model = new IntensityModel(layout)
  const { blocks } = model
  const random = new RandomStream(seed, 'hidden mesh')
  const parameters = new Float64Array(blocks.count)
  for (const heater of layout.heaters.keys()) {
    parameters[blocks.offset + heater] = random.uniform(0, 2 * Math.PI)
    parameters[blocks.radPerV2 + heater] = HIDDEN_RAD_PER_V2 * random.normal(1, 0.05)
  }
  for (let i = blocks.alpha; i < blocks.splitterMean; i++) parameters[i] = random.normal(0, splitterSigma)
  parameters[blocks.splitterMean] = splitterMean
  parameters[blocks.logNeighbour] = Math.log(neighbour)
  parameters[blocks.logMziField] = -0.0115
  for (let i = blocks.logOwnField; i < blocks.logIn; i++) parameters[i] = random.normal(0, 0.003)
  for (let i = blocks.logIn; i < blocks.strayRe; i++) parameters[i] = random.normal(0, 0.04)
  const rest = Array.from({ length: size }, () => random.uniform(0, 2 * Math.PI))
  const litRad = Array.from({ length: size }, () => random.uniform(0, 2 * Math.PI))
  for (let k = 0; k < size; k++) {
    for (let j = 0; j < size; j++) {
      if (k === j) continue
      parameters[blocks.strayRe + k * size + j] = stray * Math.cos(rest[k]! - litRad[j]!)
      parameters[blocks.strayIm + k * size + j] = stray * Math.sin(rest[k]! - litRad[j]!)
    }
  }
  const made = model.made(parameters)
  const readingNoise = new RandomStream(seed, 'reading noise')
  let vectors = 0
  const read = (voltagesV: Float64Array, lit: readonly number[]): IntensityReading => {
    vectors += lit.length
    const powers = model.predict(parameters, made, voltagesV, lit).map((power) => power + readingNoise.normal(0, noise))
    return { voltagesV: voltagesV.slice(), lit, powers }
  }
  const idle = invisibleHeaters(layout)
  const ports = Array.from({ length: size }, (_, port) => port)
  return {
    layout,
    model,
    parameters,
    read,
    readAnywhere: (count, settings) => {
      const draw = new RandomStream(settings, 'settings')
      return Array.from({ length: count }, () =>
        read(
          Float64Array.from(layout.heaters, (_, h) => (idle.has(h) ? 0 : 8 * Math.sqrt(draw.uniform()))),
          ports,
        ),
      )
    },
    vectors: () => vectors,
  }
}

/** What a first guess knows of a hidden mesh: offsets within `offsetRad` (σ), coefficients to 2 %, nothing else. */
export function roughly(mesh: HiddenMesh, offsetRad: number, seed = 1): { guess: Float64Array; priors: Priors } {
  const { blocks } = mesh.model
  const random = new RandomStream(seed, 'rough guess')
  const idle = invisibleHeaters(mesh.layout)
  const guess = mesh.parameters.slice()
  for (const heater of mesh.layout.heaters.keys()) {
    if (idle.has(heater)) continue
    guess[blocks.offset + heater]! += random.normal(0, offsetRad)
    guess[blocks.radPerV2 + heater]! *= random.normal(1, 0.02)
  }
  guess.fill(0, blocks.alpha, blocks.logNeighbour)
  guess[blocks.logNeighbour] = Math.log(0.01)
  guess.fill(0, blocks.logOwnField, blocks.count)
  return { guess, priors: intensityPriors(mesh.layout, guess) }
}
