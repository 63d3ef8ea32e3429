import { describe, expect, test } from 'vitest'
import { BothSigns } from '../../../calibration/awgr/both-signs.ts'
import type { Frame, FrameResult } from '../../../core/optical-core.ts'

const frameOf = (id: number, value: number): Frame => ({
  tile: { id, weights: Float64Array.of(2) },
  lanes: [Float64Array.of(value)],
})

async function* each<T>(items: readonly T[], closed: () => void = () => undefined): AsyncGenerator<T> {
  try {
    yield* items
  } finally {
    await Promise.resolve(closed())
  }
}

/** A core whose weight of 2 comes out as 2 · sign + 0.5. */
async function* played(signs: BothSigns, frames: AsyncIterable<Frame>, bright?: number): AsyncGenerator<FrameResult> {
  let number = 0
  for await (const frame of frames) {
    const { sign } = signs.halfOf(frame)!
    if (number++ === bright) yield { frame, lanes: [], overRange: new Error('too bright') }
    else yield { frame, lanes: [frame.lanes[0]!.map((x) => (2 * sign + 0.5) * x)] }
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

describe('frames with both signs of their weights', () => {
  test('give the product, whatever all weights are off by alike, in the order of the frames', async () => {
    const signs = new BothSigns()
    const frames = [frameOf(0, 1), frameOf(0, -0.5), frameOf(1, 0.25)]
    const results = await all(signs.join(played(signs, signs.split(each(frames)))))
    expect(results.map(({ frame }) => frame)).toEqual(frames)
    expect(results[1]!.frame).toBe(frames[1])
    expect(results.map(({ lanes }) => lanes[0]![0])).toEqual([2, -1, 0.5])
  })

  test('move the heaters once a frame: each begins with the sign that the one before ended with', async () => {
    const signs = new BothSigns()
    const halves = await all(signs.split(each([0, 1, 2].map((id) => frameOf(id, 1)))))
    expect(halves.map((half) => signs.halfOf(half)!.sign)).toEqual([1, -1, -1, 1, 1, -1])
    expect(halves.map((half) => signs.halfOf(half)!.isFirst)).toEqual([true, false, true, false, true, false])
  })

  test.each([2, 3])('are too bright when half %i is, and the others are not', async (bright) => {
    const signs = new BothSigns()
    const frames = [frameOf(0, 1), frameOf(1, 1), frameOf(2, 1)]
    const results = await all(signs.join(played(signs, signs.split(each(frames)), bright)))
    expect(results.map(({ overRange }) => overRange?.message)).toEqual([undefined, 'too bright', undefined])
    expect(results[1]).toMatchObject({ frame: frames[1], lanes: [] })
  })

  test('of none are none, and who takes no more closes the source', async () => {
    const signs = new BothSigns()
    expect(await all(signs.join(played(signs, signs.split(each<Frame>([])))))).toEqual([])
    let closed = 0
    const frames = each([frameOf(0, 1), frameOf(1, 1)], () => {
      closed++
    })
    for await (const _ of signs.join(played(signs, signs.split(frames)))) break
    expect(closed).toBe(1)
  })
})
