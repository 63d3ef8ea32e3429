import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { MeshBench } from '../../core/mesh-bench.ts'
import type { Frame } from '../../core/optical-core.ts'
import { collect, frame, litCore, SIZE, tile } from '../support/lit-core.ts'
import { neverAborted } from '../support/run-plan.ts'

const unhandled: unknown[] = []
const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', onUnhandled)
})
afterEach(() => {
  process.off('unhandledRejection', onUnhandled)
})

describe('a stream that ends early', () => {
  /** Meters whose read-out waits until it is aborted. */
  const stuckMeters = (bench: MeshBench): MeshBench => ({
    ...bench,
    meters: bench.meters.map((meter) => ({
      ...meter,
      readLogMw: (signal) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
        ),
    })),
  })

  test('aborted in mid-stream, rejects with the reason and leaves nothing behind', async () => {
    const { core } = await litCore({ wrap: stuckMeters })
    const stop = new AbortController()
    const results = collect(core, [frame(tile(1), 4), frame(tile(1), 4)], stop.signal)
    setImmediate(() => stop.abort(new Error('enough')))
    await expect(results).rejects.toThrow('enough')
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(unhandled).toEqual([])
  })

  test('when its source fails, waits for the light under way and passes the failure on', async () => {
    let captured = false
    const { core } = await litCore({
      wrap: (bench) => ({
        ...bench,
        meters: bench.meters.map((meter) => ({
          ...meter,
          waitLog: async (signal) => {
            await meter.waitLog(signal)
            await new Promise((resolve) => setImmediate(resolve))
            captured = true
          },
        })),
      }),
    })
    async function* failing(): AsyncGenerator<Frame> {
      yield frame(tile(1), 4)
      throw new Error('no more rows')
    }
    const stream = core.stream(failing(), neverAborted)
    await expect(stream.next()).rejects.toThrow('no more rows')
    expect(captured).toBe(true)
    expect(unhandled).toEqual([])
  })

  test('when the read-out fails, passes the failure on, after the upload under way is done', async () => {
    let uploads = 0
    const { core } = await litCore({
      wrap: (bench) => ({
        ...bench,
        generators: bench.generators.map((generator) => ({
          ...generator,
          loadFrame: async (codes, signal) => {
            await new Promise((resolve) => setImmediate(resolve))
            await generator.loadFrame(codes, signal)
            uploads++
          },
        })),
        meters: bench.meters.map((meter) => ({ ...meter, readLogMw: () => Promise.reject(new Error('meter gone')) })),
      }),
    })
    await expect(collect(core, [frame(tile(1), 4), frame(tile(1), 4)])).rejects.toThrow('meter gone')
    expect(uploads).toBe(2)
    expect(unhandled).toEqual([])
  })

  test('when the read-out fails while the source thinks, keeps the failure for when it can be told', async () => {
    async function* slow(): AsyncGenerator<Frame> {
      yield frame(tile(1), 4)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const { core } = await litCore({
      wrap: (bench) => ({
        ...bench,
        meters: bench.meters.map((meter) => ({ ...meter, readLogMw: () => Promise.reject(new Error('meter gone')) })),
      }),
    })
    await expect(core.stream(slow(), neverAborted).next()).rejects.toThrow('meter gone')
    expect(unhandled).toEqual([])
  })

  test('left by its reader, returns its source and waits for what is under way', async () => {
    let returned = false
    async function* endless(): AsyncGenerator<Frame> {
      try {
        for (;;) yield frame(tile(1), 4)
      } finally {
        returned = true
      }
    }
    const { core } = await litCore()
    for await (const { lanes } of core.stream(endless(), neverAborted)) {
      expect(lanes[0]).toHaveLength(4 * SIZE)
      break
    }
    expect(returned).toBe(true)
    expect(unhandled).toEqual([])
  })
})
