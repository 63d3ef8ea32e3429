import { describe, expect, test } from 'vitest'
import type { MeshCalibration } from '../../calibration/calibration-record.ts'
import { parameterBlocks } from '../../calibration/model/chip-parameters.ts'
import type { Refined } from '../../calibration/tile-refiner.ts'
import { BenchError } from '../../core/errors.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { meshCoreLayout } from '../../core/mesh-layout.ts'
import { RandomStream } from '../../core/random.ts'
import { collect, frame, litCore, relativeError, SIZE, tile } from '../support/lit-core.ts'

/** A calibration of some time ago: phases of the chip 20 mrad off, lane 1 turned by 0.2 rad and 5 % brighter. */
function outdated(lanes: number): (known: MeshCalibration) => MeshCalibration {
  const layout = meshCoreLayout(SIZE, lanes)
  const blocks = parameterBlocks(layout)
  return (known) => {
    const random = new RandomStream(7, 'outdated')
    const chip = Float64Array.from(known.chip)
    for (const [heater, { role }] of layout.heaters.entries()) {
      if (role.kind === 'input') continue
      if (role.kind !== 'lo') chip[blocks.offset + heater]! += random.normal(0, 0.02)
      else if (role.lane === 1) chip[blocks.offset + heater]! += 0.2
    }
    for (let port = 0; port < SIZE && lanes > 1; port++) chip[blocks.logOut + SIZE + port]! += 0.05
    return { ...known, chip: Array.from(chip) }
  }
}

/** Noise of readings as a verification would have found it. */
const withNoise =
  (readingMw: number, before: (known: MeshCalibration) => MeshCalibration) =>
  (known: MeshCalibration): MeshCalibration => {
    const { verification, ...rest } = before(known)
    return { ...rest, verification: { ...verification, errors: { weights: 0.004, readingMw, evenPerMw: 0 } } }
  }

describe('refining tiles', () => {
  test.each([1, 2])('takes what a chip has drifted off the products of %d lanes, once a tile', async (lanes) => {
    const told: Refined[] = []
    const [one, two] = [tile(11), tile(12)]
    const frames = [one, one, two, one].map((of) => frame(of, 40, lanes))
    const plain = await litCore({ lanes, calibration: outdated(lanes) })
    const refined = await litCore({
      ...{ lanes, calibration: outdated(lanes) },
      refine: { rounds: 4, onRefined: (one) => told.push(one) },
    })
    const before = (await collect(plain.core, frames)).map(relativeError)
    const after = (await collect(refined.core, frames)).map(relativeError)
    for (const [at, error] of after.entries()) expect(error).toBeLessThan(before[at]! / 3)
    expect(told.map(({ tile }) => tile)).toEqual([11, 12])
    for (const { before, after, rounds, frames, vectors } of told) {
      expect(after).toBeLessThan(before! / 3)
      expect(rounds).toBeGreaterThanOrEqual(1)
      // Every reading plays the eight symbols of a Hadamard matrix on every lane.
      expect(vectors).toBe(frames * 8 * lanes)
    }
  })

  test('undoes a round that makes things worse, and stops', async () => {
    let [triggers, isOver] = [0, false]
    const told: Refined[] = []
    const spoiling = (bench: MeshBench): MeshBench => ({
      ...bench,
      heaters: {
        ...bench.heaters,
        setVoltagesV: (first, voltagesV, signal) => {
          const isRound = triggers === 2 && !isOver
          return bench.heaters.setVoltagesV(first, isRound ? voltagesV.map((v) => 0.8 * v) : voltagesV, signal)
        },
      },
      generators: bench.generators.map((generator) => ({
        ...generator,
        channelCount: generator.channelCount,
        configure: (...args) => generator.configure(...args),
        loadFrame: (...args) => generator.loadFrame(...args),
        rearm: (...args) => generator.rearm(...args),
        hold: (...args) => generator.hold(...args),
        makeSafe: (...args) => generator.makeSafe(...args),
        trigger: (signal) => {
          triggers++
          return generator.trigger(signal)
        },
      })),
    })
    const onRefined = (one: Refined): void => {
      isOver = true
      told.push(one)
    }
    const calibration = outdated(1)
    const given = frame(tile(13), 40)
    const [plain] = await collect((await litCore({ calibration })).core, [given])
    const { core } = await litCore({ calibration, wrap: spoiling, refine: { rounds: 3, onRefined } })
    const [refined] = await collect(core, [given])
    expect(told).toMatchObject([{ rounds: 0, frames: 3 }])
    expect(relativeError(refined!)).toBeCloseTo(relativeError(plain!), 3)
  })

  test('leaves a tile alone that is at the noise of its readings', async () => {
    const told: Refined[] = []
    const calibration = withNoise(1, (known) => known)
    const { core } = await litCore({ calibration, refine: { rounds: 3, onRefined: (one) => told.push(one) } })
    await collect(core, [frame(tile(14), 4)])
    expect(told).toMatchObject([{ rounds: 0, frames: 1 }])
  })

  test('reads more often, the nearer it comes to the noise', async () => {
    const told: Refined[] = []
    const calibration = withNoise(3e-4, outdated(1))
    const { core } = await litCore({ calibration, refine: { rounds: 4, onRefined: (one) => told.push(one) } })
    await collect(core, [frame(tile(15), 4)])
    expect(told[0]!.frames).toBeGreaterThan(told[0]!.rounds + 3)
  })

  test('leaves a tile as it was programmed when it is too bright to be read', async () => {
    let isOver = false
    const told: Refined[] = []
    const dazzled = (bench: MeshBench): MeshBench => ({
      ...bench,
      meters: bench.meters.map((meter) => ({
        ...meter,
        configure: (...args) => meter.configure(...args),
        armLog: (...args) => meter.armLog(...args),
        waitLog: (...args) => meter.waitLog(...args),
        readLogMw: (signal) =>
          isOver ? meter.readLogMw(signal) : Promise.reject(new BenchError('RANGE_EXCEEDED', 'too bright')),
      })),
    })
    const onRefined = (one: Refined): void => {
      isOver = true
      told.push(one)
    }
    const { core } = await litCore({ wrap: dazzled, refine: { rounds: 2, onRefined } })
    const [result] = await collect(core, [frame(tile(16), 40)])
    expect(told).toMatchObject([{ rounds: 0, frames: 0, before: null, after: null }])
    expect(relativeError(result!)).toBeLessThan(0.02)
  })

  test('is foreseen in the time that another tile takes', async () => {
    const { core, bench } = await litCore({ refine: { rounds: 2 } })
    const { core: plain } = await litCore()
    const more = core.knowledge.frameSeconds(10, true) - plain.knowledge.frameSeconds(10, true)
    const readingS = 8 * bench.timing.symbolPeriodS
    // Either quadrature of the first setting once, and four readings of the other two at most.
    expect(more).toBeCloseTo((4 * bench.heaterSettleMs) / 1e3 + 10 * readingS, 9)
    expect(core.knowledge.frameSeconds(10, false)).toBe(plain.knowledge.frameSeconds(10, false))
  })
})
