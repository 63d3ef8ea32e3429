import { awgrOutput } from '../../core/awgr-layout.ts'
import type { PathLeaks } from './awgr-record.ts'
import type { OutputReading, RingReading } from './steps/ring-probe.ts'

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

/** Light of each path as it would be if every wavelength left by its own output only. */
export function withoutLeaks(readings: readonly OutputReading[], leaks: PathLeaks): RingReading[] {
  const size = leaks.drop.length
  const clean = (outputs: readonly Float64Array[], table: PathLeaks['drop']): Float64Array => {
    const measured = Float64Array.from({ length: size * size }, (_, path) => {
      const [port, wavelength] = [Math.floor(path / size), path % size]
      return outputs[awgrOutput(size, port, wavelength)]![port]!
    })
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
  return readings.map(({ squaredV, drop, through }) => ({
    squaredV,
    dropMw: clean(drop, leaks.drop),
    throughMw: clean(through, leaks.through),
  }))
}
