import { noLeaks } from '../../calibration/awgr/leaks.ts'
import type { RingsCalibration } from '../../calibration/awgr/programming.ts'
import { pathLights } from '../../calibration/awgr/fit-rings.ts'
import type { RingScene } from '../../calibration/awgr/fit-rings.ts'
import type { OutputReading } from '../../calibration/awgr/steps/ring-probe.ts'
import { ThermalMap } from '../../calibration/awgr/thermal.ts'
import { awgrLayout, awgrOutput } from '../../core/awgr-layout.ts'
import { RandomStream } from '../../core/random.ts'

/** Rings that nobody had to measure, on a 100 GHz grid: each a little different, all cold between two channels. */
export function knownRings(size: number, seed = 1): { scene: RingScene; rings: RingsCalibration } {
  const layout = awgrLayout(size, 'per-port')
  const random = new RandomStream(seed, 'known rings')
  const table = (mean: number): number[][] => layout.rings.map((row) => row.map(() => mean * random.uniform(0.9, 1.1)))
  const leaks = noLeaks(size)
  const leaky = (way: readonly (readonly (readonly number[])[])[]): number[][][] =>
    way.map((port) => port.map((outputs) => outputs.map((own) => own || random.uniform(0.001, 0.003))))
  const scene = {
    layout,
    frequenciesGhz: Float64Array.from({ length: size }, (_, k) => 100 * k),
    map: new ThermalMap(layout),
  }
  const rings: RingsCalibration = {
    rings: layout.heaters.map(() => ({
      offsetGhz: random.uniform(40, 60),
      tuningGhzPerV2: random.uniform(28, 34),
      fwhmGhz: random.uniform(17, 19),
      throughFloor: 0.01,
    })),
    thermal: { neighbourShare: 0.01, decayPitch: 1 },
    gains: { dropMw: table(0.03), throughMw: table(0.035) },
    leaks: { drop: leaky(leaks.drop), through: leaky(leaks.through) },
  }
  return { scene, rings }
}

/** What such rings show without noise. */
export function seenThrough(scene: RingScene, rings: RingsCalibration, voltagesV: Float64Array): OutputReading {
  const { size } = scene.layout
  const squaredV = voltagesV.map((v) => v * v)
  const light = pathLights(scene, squaredV, rings)
  const outputs = (mw: Float64Array, leaks: RingsCalibration['leaks']['drop']): Float64Array[] =>
    Array.from({ length: size }, (_, output) =>
      Float64Array.from({ length: size }, (_, port) => {
        let sum = 0
        for (let k = 0; k < size; k++) {
          const share = awgrOutput(size, port, k) === output ? 1 : leaks[port]![k]![output]!
          sum += share * mw[port * size + k]!
        }
        return sum
      }),
    )
  return { squaredV, drop: outputs(light.drop, rings.leaks.drop), through: outputs(light.through, rings.leaks.through) }
}
