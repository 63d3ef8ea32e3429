import { describe, expect, test } from 'vitest'
import { findPorts } from '../../../calibration/model/tile-correction.ts'
import type { SeenMatrix } from '../../../calibration/model/tile-correction.ts'
import { RandomStream } from '../../../core/random.ts'

const SIZE = 4
const random = new RandomStream(1, 'tile correction')
const matrix = (sigma: number): Float64Array =>
  Float64Array.from({ length: SIZE * SIZE }, () => random.normal(0, sigma))
const expected: SeenMatrix = { along: matrix(1), across: matrix(0.1) }

/** What a lane shows whose local oscillators are turned by `turnRad`, and that is `gain` times as bright. */
function turned({ along, across }: SeenMatrix, turnRad: number, gain: number): SeenMatrix {
  const [c, s] = [gain * Math.cos(turnRad), gain * Math.sin(turnRad)]
  return {
    along: along.map((value, i) => c * value + s * across[i]!),
    across: across.map((value, i) => c * value - s * along[i]!),
  }
}

describe('ports that have changed', () => {
  test('are found lane by lane, whole turns and gains of any size', () => {
    const lanes = [turned(expected, 0.4, 1.1), turned(expected, -2, 0.8)]
    const { ports, along } = findPorts(expected, lanes, 0)
    for (const [at, turn] of ports.turnRad.entries()) {
      expect(turn).toBeCloseTo(at < SIZE ? 0.4 : -2, 12)
      expect(ports.logGain[at]).toBeCloseTo(Math.log(at < SIZE ? 1.1 : 0.8), 12)
    }
    for (const [i, value] of along.entries()) expect(value).toBeCloseTo(expected.along[i]!, 12)
  })

  test('leave what the chip makes beside what is expected of it', () => {
    // Beside each row, so that no factor explains it.
    const beside = expected.along.map((_, i) => {
      const row = i - (i % SIZE)
      return i % 2 === 0 ? 0.01 * expected.along[row + (i % SIZE) + 1]! : -0.01 * expected.along[i - 1]!
    })
    const chip = { along: expected.along.map((value, i) => value + beside[i]!), across: new Float64Array(SIZE ** 2) }
    const { along } = findPorts({ ...expected, across: chip.across }, [turned(chip, 0.2, 1), turned(chip, -0.2, 1)], 0)
    for (const [i, value] of along.entries()) expect(value).toBeCloseTo(chip.along[i]!, 12)
  })

  test('cannot be told from rows of nothing, and hardly from noise', () => {
    const faint = { along: new Float64Array(SIZE ** 2), across: new Float64Array(SIZE ** 2) }
    const dark = findPorts(faint, [expected], 0)
    expect([...dark.ports.turnRad, ...dark.ports.logGain]).toEqual(new Array(2 * SIZE).fill(0))
    const weak = { along: expected.along.map((value) => 0.01 * value), across: faint.across }
    const { ports } = findPorts(weak, [turned(weak, 0.5, 1)], 1)
    for (const turn of ports.turnRad) expect(Math.abs(turn)).toBeLessThan(0.01)
  })
})
