import { describe, expect, test } from 'vitest'
import { collect, frame, litCore, relativeError, SIZE, tile } from '../support/lit-core.ts'
import { neverAborted } from '../support/run-plan.ts'
import { RandomStream } from '../../core/random.ts'
import { verify } from '../../calibration/steps/verification.ts'
import { defaultImperfections } from '../support/direct-bench.ts'

describe('a calibrated mesh core', () => {
  test('multiplies: weights times inputs in the weights’ own scale, to two percent, on every lane', async () => {
    const { core } = await litCore({ lanes: 2 })
    const small = { id: 2, weights: tile(0).weights.map((weight) => 1e-6 * weight) }
    const results = await collect(core, [frame(tile(1), 40, 2), frame(small, 40, 2)])
    for (const result of results) expect(relativeError(result)).toBeLessThan(0.02)
  })

  test('gives results in the order of the frames, each with its own frame', async () => {
    const { core } = await litCore()
    const [one, two] = [tile(1), tile(2)]
    const frames = [frame(one, 5), frame(two, 9), frame(one, 3), frame(two, 5)]
    const results = await collect(core, frames)
    expect(results.map((result) => frames.indexOf(result.frame))).toEqual([0, 1, 2, 3])
    expect(results.map(({ lanes }) => lanes[0]!.length)).toEqual([5, 9, 3, 5].map((symbols) => symbols * SIZE))
  })

  test('no frames, no results', async () => {
    expect(await collect((await litCore()).core, [])).toEqual([])
  })

  test('programs the heaters only when the tile changes', async () => {
    let sets = 0
    const { core } = await litCore({
      wrap: (bench) => ({
        ...bench,
        heaters: {
          ...bench.heaters,
          setVoltagesV: (first, voltages, signal) => {
            sets++
            return bench.heaters.setVoltagesV(first, voltages, signal)
          },
        },
      }),
    })
    const modules = Math.ceil(40 / 8)
    const [one, two] = [tile(1), tile(2)]
    await collect(core, [frame(one, 4), frame(one, 4), frame(one, 4)])
    expect(sets).toBe(modules)
    await collect(core, [frame(two, 4), frame(two, 4), frame(one, 4)])
    // Heaters of the other lane and spare channels may keep theirs: never more than all modules twice more.
    expect(sets).toBeGreaterThan(modules)
    expect(sets).toBeLessThanOrEqual(3 * modules)
  })

  test('programming ahead makes the first frame of that tile change nothing', async () => {
    let sets = 0
    const { core } = await litCore({
      wrap: (bench) => ({
        ...bench,
        heaters: {
          ...bench.heaters,
          setVoltagesV: async (...args) =>
            bench.heaters.setVoltagesV(...args).then(() => {
              sets++
            }),
        },
      }),
    })
    const one = tile(1)
    await core.program(one, neverAborted)
    const programmed = sets
    await collect(core, [frame(one, 4)])
    expect(sets).toBe(programmed)
  })

  test('another product may count its tiles from 0 again: other weights under a known number are other weights', async () => {
    const { core } = await litCore()
    const [first, second] = [tile(0), tile(0)]
    for (const weights of [first, second, first]) {
      const [result] = await collect(core, [frame(weights, 20)])
      expect(relativeError(result!)).toBeLessThan(0.02)
    }
  })

  test('what all symbols carry alike, light or offset, is taken off with the silence before them', async () => {
    const offsetMw = 0.05
    const { core } = await litCore({
      wrap: (bench) => ({
        ...bench,
        meters: bench.meters.map((meter) => ({
          ...meter,
          // Only the plus detectors, so that it does not cancel in balance.
          readLogMw: async (signal) =>
            (await meter.readLogMw(signal)).map((series, port) =>
              series.map((mw) => mw + (port % 2 === 0 ? offsetMw : 0)),
            ),
        })),
      }),
    })
    const [result] = await collect(core, [frame(tile(1), 40)])
    expect(relativeError(result!)).toBeLessThan(0.02)
  })

  test('takes off what modulators leak through the quadrature, which comes with either sign alike', async () => {
    const imperfections = defaultImperfections({ mzmExtinctionDb: 15 })
    const evenOf = async (leak: (known: number) => number): Promise<number> => {
      const { core } = await litCore({
        imperfections,
        calibration: ({ modulators, ...known }) => ({
          ...known,
          modulators: { ...modulators, leak: modulators.leak.map((ports) => ports.map(leak)) },
        }),
      })
      return (await verify(core, new RandomStream(1, 'verification'), neverAborted)).errors!.evenPerMw
    }
    const [known, unknown] = [await evenOf((leak) => leak), await evenOf(() => 0)]
    expect(unknown).toBeGreaterThan(0.001)
    expect(known).toBeLessThan(unknown / 5)
  })

  test('has room for one symbol less than the frame: the silence comes first', async () => {
    const { core, bench } = await litCore()
    expect(core.maxSymbolsPerFrame).toBe(bench.timing.maxSymbolsPerFrame - 1)
    expect(core.shape).toEqual({ outputs: SIZE, inputs: SIZE })
  })

  test('while a frame is uploaded the one before is read out, and the meters are armed as soon as it is', async () => {
    const log: string[] = []
    const { core } = await litCore({
      wrap: (bench) => ({
        ...bench,
        generators: bench.generators.map((generator) => ({
          ...generator,
          loadFrame: async (codes, signal) => {
            log.push('upload begins')
            await generator.loadFrame(codes, signal)
            for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
            log.push('upload ends')
          },
          trigger: async (signal) => {
            log.push('trigger')
            await generator.trigger(signal)
          },
        })),
        meters: bench.meters.map((meter) => ({
          ...meter,
          armLog: async (setup, signal) => {
            log.push('arm')
            await meter.armLog(setup, signal)
          },
          readLogMw: async (signal) => {
            log.push('read begins')
            const result = await meter.readLogMw(signal)
            await new Promise((resolve) => setImmediate(resolve))
            log.push('read ends')
            return result
          },
        })),
      }),
    })
    await collect(core, [frame(tile(1), 4), frame(tile(1), 4)])
    expect(log).toEqual([
      ...['upload begins', 'arm', 'upload ends', 'trigger'],
      ...['upload begins', 'read begins', 'read ends', 'arm', 'upload ends', 'trigger'],
      ...['read begins', 'read ends'],
    ])
  })

  test('where instruments can, the next frame is uploaded and the one before read out while light plays', async () => {
    const log: string[] = []
    const { core } = await litCore({
      wrap: (bench) => ({
        ...bench,
        generators: bench.generators.map((generator) => ({
          ...generator,
          prepareFrame: async () => {
            log.push('upload begins')
            await new Promise((resolve) => setImmediate(resolve))
            log.push('upload ends')
          },
          trigger: async (signal) => {
            log.push('trigger')
            await generator.trigger(signal)
          },
        })),
        meters: bench.meters.map((meter) => {
          const kept: Float64Array[][] = []
          return {
            ...meter,
            keepsRecords: true,
            armLog: async (setup, signal) => {
              log.push('arm')
              await meter.armLog(setup, signal)
            },
            waitLog: async (signal) => {
              await meter.waitLog(signal)
              kept.push(await meter.readLogMw(signal))
            },
            readLogMw: async () => {
              log.push('read')
              return kept.shift()!
            },
          }
        }),
      }),
    })
    const frames = [frame(tile(1), 4), frame(tile(1), 4), frame(tile(1), 4)]
    const results = await collect(core, frames)
    for (const result of results) expect(relativeError(result)).toBeLessThan(0.02)
    expect(log).toEqual([
      ...['arm', 'trigger'],
      ...['upload begins', 'upload ends', 'arm', 'trigger'],
      ...['upload begins', 'read', 'upload ends', 'arm', 'trigger'],
      ...['read', 'read'],
    ])
  })

  test('refuses a calibration of another core', async () => {
    await expect(litCore({ calibration: (known) => ({ ...known, size: 8 }) })).rejects.toMatchObject({
      code: 'SHAPE_MISMATCH',
      message: 'the calibration is for 8 ports and 1 lanes, the bench has 4 and 1',
    })
  })

  test.each([1.001, -2, NaN])('refuses an input of %f, which no modulator makes', async (value) => {
    const { core } = await litCore()
    const bad = frame(tile(1), 3)
    bad.lanes[0]![5] = value
    await expect(collect(core, [bad])).rejects.toMatchObject({
      code: 'RANGE_EXCEEDED',
      context: { lane: 0, symbol: 1, port: 1, input: value },
    })
  })

  test('making safe reaches lasers, biases, generators and heaters, even when one of them fails', async () => {
    const safe: string[] = []
    const noted = <T extends { makeSafe(signal: AbortSignal): Promise<void> }>(instrument: T, name: string): T => ({
      ...instrument,
      makeSafe: async () => {
        safe.push(name)
        if (name === 'laser') throw new Error('still lit')
      },
    })
    const { core } = await litCore({
      wrap: (bench) => ({
        ...bench,
        lasers: bench.lasers.map((one) => ({ ...one, laser: noted(one.laser, 'laser') })),
        lanes: bench.lanes.map((lane) => ({
          ...lane,
          modulators: lane.modulators.map((modulator) => ({ ...modulator, bias: noted(modulator.bias, 'bias') })),
        })),
        generators: bench.generators.map((generator) => noted(generator, 'generator')),
        heaters: noted(bench.heaters, 'heaters'),
      }),
    })
    await expect(core.safe(neverAborted)).rejects.toThrow('still lit')
    expect(safe).toEqual(['laser', 'bias', 'bias', 'bias', 'bias', 'generator', 'heaters'])
  })
})
