import { awgrOutput } from '../../../core/awgr-layout.ts'
import { bringLasers } from '../../../orchestrator/plans/light.ts'
import type { PathLeaks } from '../awgr-record.ts'
import type { AwgrContext } from './awgr-context.ts'
import type { RingProbe, RingReading } from './ring-probe.ts'

/**
 * Lights one laser after the other, rings half-way: whatever then reaches other outputs than the wavelength's own has
 * leaked through the routers. Relative to the light at its own output, gains and rings drop out.
 *
 * Leaves: all lasers on, heaters as given.
 */
export async function measureLeaks(
  { bench }: AwgrContext,
  probe: RingProbe,
  halfWayV: Float64Array,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<PathLeaks> {
  const { size } = bench.layout
  const table = (): number[][][] =>
    Array.from({ length: size }, () => Array.from({ length: size }, () => new Array<number>(size).fill(0)))
  const leaks = { drop: table(), through: table() }
  for (const { laser } of bench.lasers) await laser.setEmission(false, signal)
  for (const [wavelength, { laser }] of bench.lasers.entries()) {
    await laser.setEmission(true, signal)
    const { drop, through } = await probe.readOutputs(halfWayV, signal)
    await laser.setEmission(false, signal)
    for (let port = 0; port < size; port++) {
      const own = awgrOutput(size, port, wavelength)
      for (let output = 0; output < size; output++) {
        leaks.drop[port]![wavelength]![output] = drop[output]![port]! / drop[own]![port]!
        leaks.through[port]![wavelength]![output] = through[output]![port]! / through[own]![port]!
      }
    }
    onProgress(wavelength + 1, bench.lasers.length)
  }
  await bringLasers(bench, signal)
  return leaks
}

/** No light but at its own output. */
export function noLeaks(size: number): PathLeaks {
  const table = (): number[][][] =>
    Array.from({ length: size }, (_, port) =>
      Array.from({ length: size }, (_, wavelength) =>
        Array.from({ length: size }, (_, output) => (output === awgrOutput(size, port, wavelength) ? 1 : 0)),
      ),
    )
  return { drop: table(), through: table() }
}

/** Passes of taking off what leaked: each leaves a share of it that is as small as the leaks themselves. */
const PASSES = 4

/** Readings as they would be if every wavelength left by its own output only. */
export function withoutLeaks(readings: readonly RingReading[], leaks: PathLeaks): RingReading[] {
  const size = leaks.drop.length
  const clean = (measured: Float64Array, table: PathLeaks['drop']): Float64Array => {
    let own = measured
    for (let pass = 0; pass < PASSES; pass++) {
      own = measured.map((mw, path) => {
        const [port, wavelength] = [Math.floor(path / size), path % size]
        const output = awgrOutput(size, port, wavelength)
        let leaked = 0
        for (let other = 0; other < size; other++) {
          if (other !== wavelength) leaked += table[port]![other]![output]! * own[port * size + other]!
        }
        return mw - leaked
      })
    }
    return own
  }
  return readings.map(({ squaredV, dropMw, throughMw }) => ({
    squaredV,
    dropMw: clean(dropMw, leaks.drop),
    throughMw: clean(throughMw, leaks.through),
  }))
}
