import { describe, expect, test } from 'vitest'
import { benchFromText } from '../../bench/bench-file.ts'
import type { BenchFile } from '../../bench/bench-file.ts'
import { isBenchError } from '../../core/errors.ts'
import { RandomStream } from '../../core/random.ts'
import type { FrameReading } from '../../orchestrator/frames/frame-runner.ts'
import { frameBy, WAYS } from '../support/frame-by.ts'
import { randomAwgrBench } from '../support/random-awgr-bench.ts'
import { randomBench } from '../support/random-bench.ts'

const BENCHES_PER_BATCH = 10

/** A frame, or why the bench refused it: a range too low for its light is as good a word as a number. */
type Outcome = FrameReading | { readonly refused: string }

const outcomeBy = (way: (typeof WAYS)[number], file: BenchFile, seed: number): Promise<Outcome> =>
  frameBy(way, file, seed).catch((error: unknown) => {
    if (!isBenchError(error)) throw error
    return { refused: error.message }
  })

/** Real sockets answer in their own order, so clocks may differ by a little: what drifts is held for the whole frame. */
function heldStill(text: string): BenchFile {
  const bench = JSON.parse(text) as { readonly twin: object }
  return benchFromText(JSON.stringify({ ...bench, twin: { ...bench.twin, driftHoldS: 100_000 } }), 'b.yaml')
}

describe('a frame on a random bench is the same to the last bit over pipes, over sockets and without wires', () => {
  test.each([
    ...Array.from({ length: 10 }, (_, batch) => ['an AWGR', batch, randomAwgrBench] as const),
    ...Array.from({ length: 4 }, (_, batch) => ['a mesh', batch, randomBench] as const),
  ])('benches with %s, batch %i', async (_, batch, textOf) => {
    let played = 0
    for (let seed = batch * BENCHES_PER_BATCH; seed < (batch + 1) * BENCHES_PER_BATCH; seed++) {
      const file = heldStill(textOf(new RandomStream(seed, 'three ways')))
      const byPipe = await outcomeBy('pipe', file, seed)
      for (const way of WAYS) {
        if (way !== 'pipe') expect(await outcomeBy(way, file, seed), `bench ${seed}, ${way}`).toStrictEqual(byPipe)
      }
      if ('plusMw' in byPipe && hasData(byPipe)) played++
    }
    // Many benches have light with data on it, some in every batch. The others are refused alike.
    expect(played).toBeGreaterThan(0)
  })
})

/** An output that shows other powers for other symbols. */
const hasData = ({ plusMw }: FrameReading): boolean =>
  plusMw.some((lane) => lane.some((output) => Math.max(...output) > Math.min(...output)))
