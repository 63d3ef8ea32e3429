import { describe, expect, test } from 'vitest'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { allDone, FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import type { FrameCodes } from '../../orchestrator/frames/frame-runner.ts'
import { openDirectBench } from '../support/direct-bench.ts'
import { neverAborted } from '../support/run-plan.ts'

/** 4 ports on 2 lanes: two generators of four channels, two meters of eight ports. Every call is written down. */
function watched(changes: Partial<MeshBench> = {}): {
  bench: MeshBench
  calls: string[]
  loaded: Int8Array[][]
  held: Int8Array[]
} {
  const { bench: plain } = openDirectBench({ size: 4, lanes: 2 })
  const calls: string[] = []
  const loaded: Int8Array[][] = []
  const held: Int8Array[] = []
  const bench: MeshBench = {
    ...plain,
    generators: plain.generators.map((generator, g) => ({
      ...generator,
      configure: async ({ symbolPeriodS, amplitudeV }) =>
        void calls.push(`awg-${g} configure ${symbolPeriodS} s ${amplitudeV} V`),
      loadFrame: async (codes) => {
        calls.push(`awg-${g} load`)
        loaded[g] = [...codes]
      },
      rearm: async () => void calls.push(`awg-${g} rearm`),
      trigger: async () => void calls.push(`awg-${g} trigger`),
      hold: async (codes) => {
        calls.push(`awg-${g} hold`)
        held[g] = codes
      },
    })),
    meters: plain.meters.map((meter, m) => ({
      ...meter,
      configure: async ({ wavelengthNm, rangeDbm }) =>
        void calls.push(`meter-${m} configure ${wavelengthNm.toFixed(2)} nm ${rangeDbm} dBm`),
      armLog: async ({ points, averagingS }) => void calls.push(`meter-${m} arm ${points} × ${averagingS} s`),
      waitLog: async () => void calls.push(`meter-${m} wait`),
      readLogMw: async () => {
        calls.push(`meter-${m} read`)
        // Port p, symbol s, point q: the first and the last point of a symbol see its edges.
        return Array.from({ length: 8 }, (_, p) =>
          Float64Array.from({ length: 12 }, (_, at) =>
            at % 4 === 0 || at % 4 === 3 ? 1e6 : 100 * m + 10 * p + Math.floor(at / 4),
          ),
        )
      },
    })),
    ...changes,
  }
  return { bench, calls, loaded, held }
}

const codesOf = (symbols: number): FrameCodes =>
  [0, 1].map((lane) => [0, 1, 2, 3].map((port) => new Int8Array(symbols).fill(10 * lane + port + 1)))

describe('a frame', () => {
  test('passes all stages in order: upload and arm, trigger, wait, read', async () => {
    const { bench, calls } = watched()
    await new FrameRunner(bench).run(codesOf(3), neverAborted)
    expect(calls).toEqual([
      ...['awg-0 load', 'awg-1 load', 'meter-0 arm 12 × 0.00001 s', 'meter-1 arm 12 × 0.00001 s'],
      ...['awg-0 trigger', 'meter-0 wait', 'meter-1 wait', 'meter-0 read', 'meter-1 read'],
    ])
  })

  test('plays each port’s codes on the channel that it is wired to', async () => {
    const { bench, loaded } = watched()
    await new FrameRunner(bench).run(codesOf(3), neverAborted)
    expect(loaded.map((channels) => channels.map((codes) => [...codes]))).toEqual([
      [1, 2, 3, 4].map((code) => [code, code, code]),
      [11, 12, 13, 14].map((code) => [code, code, code]),
    ])
  })

  test('is prepared while another plays, in the arrays that are loaded afterwards', async () => {
    const { bench: plain, loaded } = watched()
    const prepared: (readonly Int8Array[])[] = []
    const generators = plain.generators.map((generator, g) => ({
      ...generator,
      prepareFrame: async (codes: readonly Int8Array[]) => void (prepared[g] = codes),
    }))
    const runner = new FrameRunner({ ...plain, generators })
    const [codes, others] = [codesOf(3), codesOf(2)]
    await runner.prepareFrame(codes, neverAborted)
    await runner.load(codes, neverAborted)
    loaded.forEach((channels, g) => channels.forEach((channel, c) => expect(channel).toBe(prepared[g]![c])))
    // What is loaded needs no preparing; once another frame is prepared, it has to be loaded again.
    prepared.length = loaded.length = 0
    await runner.prepareFrame(codes, neverAborted)
    await runner.load(codes, neverAborted)
    expect([prepared.length, loaded.length]).toEqual([0, 0])
    await runner.prepareFrame(others, neverAborted)
    await runner.load(codes, neverAborted)
    expect(loaded.map((channels) => channels[0]!.length)).toEqual([3, 3])
  })

  test('channels that drive nothing rest at code 0, as long as the others play', async () => {
    const { bench: plain, loaded } = watched()
    const lanes = plain.lanes.map((lane, i) => (i === 1 ? { ...lane, modulators: lane.modulators.slice(0, 2) } : lane))
    await new FrameRunner({ ...plain, lanes }).run(codesOf(3), neverAborted)
    expect([...loaded[1]![3]!]).toEqual([0, 0, 0])
  })

  test('is the mean of each symbol’s inner points, on the ports that the lane’s detectors are wired to', async () => {
    const { bench } = watched()
    const { plusMw, minusMw } = await new FrameRunner(bench).run(codesOf(3), neverAborted)
    // Lane 0, port 1: meter 0, ports 2 and 3.
    expect([...plusMw[0]![1]!]).toEqual([20, 21, 22])
    expect([...minusMw[0]![1]!]).toEqual([30, 31, 32])
    // Lane 1, port 3: meter 1, ports 6 and 7.
    expect([...plusMw[1]![3]!]).toEqual([160, 161, 162])
    expect([...minusMw[1]![3]!]).toEqual([170, 171, 172])
  })

  test('with two points a symbol or fewer uses them all', async () => {
    const { bench } = watched({ timing: { symbolPeriodS: 40e-6, pointsPerSymbol: 2, maxSymbolsPerFrame: 64 } })
    const { plusMw } = await new FrameRunner(bench).run(codesOf(6), neverAborted)
    // Points 0 and 1 of the record above: an edge and an inner one.
    expect(plusMw[0]![0]![0]).toBe(5e5)
  })

  test('can be read point by point, edges included', async () => {
    const { bench, calls } = watched()
    const { plusMw } = await new FrameRunner(bench).runPoints(codesOf(3), neverAborted)
    expect([...plusMw[1]![3]!]).toEqual([1e6, 160, 160, 1e6, 1e6, 161, 161, 1e6, 1e6, 162, 162, 1e6])
    expect(calls).toContain('awg-0 trigger')
  })

  test('leaves the brightest reading of each detector behind, since somebody watches', async () => {
    const { bench } = watched()
    const frames = new FrameRunner(bench)
    await frames.run(codesOf(3), neverAborted)
    const brightest = frames.watchBrightest()
    expect(brightest.plusMw).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ])
    await frames.run(codesOf(3), neverAborted)
    await frames.run(codesOf(2), neverAborted)
    expect(brightest.plusMw).toEqual([
      [2, 22, 42, 62],
      [102, 122, 142, 162],
    ])
    expect(brightest.minusMw[1]).toEqual([112, 132, 152, 172])
  })

  test('is uploaded only when its codes change: the same codes again are armed without an upload', async () => {
    const { bench, calls } = watched()
    const frames = new FrameRunner(bench)
    const [one, other] = [codesOf(3), codesOf(3)]
    for (const codes of [one, one, one, other, one]) await frames.run(codes, neverAborted)
    expect(calls.filter((call) => /awg-0 (load|rearm)/.test(call))).toEqual([
      'awg-0 load',
      'awg-0 rearm',
      'awg-0 rearm',
      'awg-0 load',
      'awg-0 load',
    ])
  })

  test('is uploaded again after another upload that failed, and after the outputs were held', async () => {
    const { bench, calls } = watched()
    let fails = false
    const generators = bench.generators.map((generator, g) =>
      g === 1
        ? {
            ...generator,
            loadFrame: async (...args: Parameters<typeof generator.loadFrame>) =>
              fails ? Promise.reject(new Error('busy')) : generator.loadFrame(...args),
          }
        : generator,
    )
    const frames = new FrameRunner({ ...bench, generators })
    const codes = codesOf(3)
    await frames.run(codes, neverAborted)
    fails = true
    await expect(frames.run(codesOf(3), neverAborted)).rejects.toThrow('busy')
    fails = false
    await frames.run(codes, neverAborted)
    await frames.hold([new Int8Array(4), new Int8Array(4)], neverAborted)
    await frames.run(codes, neverAborted)
    expect(calls.filter((call) => call === 'awg-0 load')).toHaveLength(4)
    expect(calls).not.toContain('awg-0 rearm')
  })

  test.each([0, 513])('of %i symbols does not fit, and nothing is sent', async (symbols) => {
    const { bench, calls } = watched()
    await expect(new FrameRunner(bench).run(codesOf(symbols), neverAborted)).rejects.toMatchObject({
      code: 'RANGE_EXCEEDED',
      message: `a frame of ${symbols} symbols does not fit: 1 to 512`,
    })
    expect(calls).toEqual([])
  })

  test('counts the vectors sent through the optics: symbols times lanes', async () => {
    const { bench } = watched()
    const frames = new FrameRunner(bench)
    await frames.run(codesOf(3), neverAborted)
    await frames.run(codesOf(3), neverAborted)
    expect(frames.vectors).toBe(12)
  })
})

describe('before the first frame', () => {
  test('generators learn symbol time and amplitude, meters the middle of the wavelengths and their range', async () => {
    const { bench, calls } = watched()
    await new FrameRunner(bench).prepare(neverAborted)
    // 193.15 THz, between 193.1 and 193.2.
    expect(calls).toEqual([
      'awg-0 configure 0.00004 s 0.5 V',
      'awg-1 configure 0.00004 s 0.5 V',
      'meter-0 configure 1552.12 nm 0 dBm',
      'meter-1 configure 1552.12 nm 0 dBm',
    ])
  })
})

describe('ranges of the meters', () => {
  test('are set for each of them, with the middle of the wavelengths', async () => {
    const { bench, calls } = watched()
    await new FrameRunner(bench).setRanges((meter) => -10 * meter, neverAborted)
    expect(calls).toEqual(['meter-0 configure 1552.12 nm 0 dBm', 'meter-1 configure 1552.12 nm -10 dBm'])
  })
})

describe('outputs held for slow instruments', () => {
  test('rest at one code a port, on the right channels', async () => {
    const { bench, held } = watched()
    await new FrameRunner(bench).hold([Int8Array.of(1, -2, 3, -4), Int8Array.of(5, 6, 7, 8)], neverAborted)
    expect(held.map((codes) => [...codes])).toEqual([
      [1, -2, 3, -4],
      [5, 6, 7, 8],
    ])
  })
})

describe('work on several instruments', () => {
  test('is waited for to its end, even when one fails, so that nothing is left half-way on a wire', async () => {
    let slowDone = false
    const slow = new Promise<void>((resolve) => setImmediate(resolve)).then(() => void (slowDone = true))
    await expect(
      allDone([Promise.reject(new Error('first')), slow, Promise.reject(new Error('second'))]),
    ).rejects.toThrow('first')
    expect(slowDone).toBe(true)
  })

  test('gives all results in order', async () => {
    expect(await allDone([Promise.resolve(1), Promise.resolve(2)])).toEqual([1, 2])
  })
})
