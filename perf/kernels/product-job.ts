import { CounterRandom, streamKey } from '../../core/random.ts'
import { packedTileFloats } from '../../sim/kernels/behavioural-product.ts'
import type { ProductJob } from '../../sim/kernels/behavioural-product.ts'
import { DetectorBank } from '../../sim/kernels/detector-bank.ts'
import type { Kernels } from '../../sim/kernels/kernels.ts'

export const TILE = 64
const CODES_PER_RAD = 127 / (Math.PI / 2)
const LOCAL = 0.8
const LOSS = 0.055
const REACH = 0.98

/**
 * A square product of random matrices on a 64×64 balanced core: DAC 8, shot, thermal and intensity noise a symbol, ADC 12 a
 * partial sum; the physics of perf/reference/behavioural.py.
 */
export function productJob(kernels: Kernels, size: number): ProductJob {
  const { memory, engine } = kernels
  const tiles = size / TILE
  const random = new CounterRandom(1, 'product')
  const values = memory.float32(size * size)
  for (let i = 0; i < values.length; i++) values[i] = 2 * random.uniform(i) - 1
  const phases = Float64Array.from({ length: TILE }, (_, port) => 2 * Math.PI * random.uniform(2 ** 40 + port))

  const fields = memory.float32(512 * TILE)
  const modulators = memory.float32(4 * TILE)
  for (let port = 0; port < TILE; port++) {
    modulators.set([REACH, 0.01, CODES_PER_RAD, 0], 4 * port)
    const [cos, sin] = [LOSS * Math.cos(phases[port]!), LOSS * Math.sin(phases[port]!)]
    for (let code = -128; code < 128; code++) {
      const half = code / CODES_PER_RAD + 0.01
      const [re, im] = [Math.sin(half), 0.056 * Math.cos(half)]
      fields.set([cos * re - sin * im, cos * im + sin * re], 512 * port + 2 * (code + 128))
    }
  }

  const perTile = packedTileFloats('balanced', TILE, TILE)
  const packed = memory.float32(tiles * tiles * perTile)
  {
    // Weights are made a tile at a time: only the packed ones stay.
    using _scope = memory.scope()
    const [re, im] = [memory.float32(TILE * TILE), memory.float32(TILE * TILE)]
    for (let tile = 0; tile < tiles * tiles; tile++) {
      for (let at = 0; at < TILE * TILE; at++) {
        const weight = (2 * random.uniform(2 ** 41 + tile * TILE * TILE + at) - 1) / TILE
        re[at] = weight * Math.cos(phases[at % TILE]!)
        im[at] = -weight * Math.sin(phases[at % TILE]!)
      }
      engine.packTile(re, im, TILE, TILE, packed.subarray(tile * perTile))
    }
  }

  const lo = memory.float32(TILE)
  lo.fill(LOCAL)
  const perMw = TILE / (2 * LOCAL * LOSS * REACH)
  const bank = new DetectorBank(
    kernels,
    Array.from({ length: 2 * TILE }, (_, d) => ({
      responsivityAPerW: 1.01,
      nominalAPerW: 1,
      darkA: 5e-9,
      thermalAPerRtHz: 12.2e-12,
      bandwidthHz: 1e9,
      fullScaleMw: 2,
      steps: 4096,
      noiseStream: `detector ${d}`,
      weightPerMw: d % 2 === 0 ? perMw : -perMw,
    })),
    1,
  )
  return {
    detection: 'balanced',
    values,
    stride: size,
    rows: size,
    tileInputs: TILE,
    tileOutputs: TILE,
    innerTiles: tiles,
    outputTiles: tiles,
    tiles: packed,
    modulators,
    fields,
    lo,
    detectors: bank.parameters,
    keys: bank.keys,
    intensityKey: streamKey(1, 'intensity'),
    intensitySigma: 1.8e-4,
    firstSample: 0,
    sums: memory.float32(size * size),
    sumStride: size,
  }
}
