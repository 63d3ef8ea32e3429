import { expect, test } from 'vitest'
import { streamFrames } from '../../calibration/stream-frames.ts'
import type { FrameStages } from '../../calibration/stream-frames.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import type { FrameCodes } from '../../orchestrator/frames/frame-runner.ts'
import type { Frame } from '../../core/optical-core.ts'
import { asyncOf, litCore, SIZE } from '../support/lit-core.ts'
import { neverAborted } from '../support/run-plan.ts'

const frame = (id: number): Frame => ({
  tile: { id, weights: new Float64Array(SIZE * SIZE) },
  lanes: [new Float64Array(SIZE)],
})

test('a frame is encoded while the one before the one before it plays, and again after upkeep of either', async () => {
  const { bench } = await litCore()
  const runner = new FrameRunner(bench)
  await runner.prepare(neverAborted)
  const log: string[] = []
  let revision = 0
  const stages: FrameStages<{ readonly codes: FrameCodes; readonly revision: number }, number> = {
    prepare: ({ tile }) => {
      log.push(`encode ${tile.id}`)
      return { codes: [Array.from({ length: SIZE }, () => Int8Array.of(tile.id))], revision }
    },
    load: async ({ codes, revision }, signal) => {
      await runner.load(codes, signal)
      log.push(`play ${codes[0]![0]![0]}`)
      return revision
    },
    decode: (frame, loaded) => {
      log.push(`decode ${frame.tile.id}`)
      return { frame, lanes: [Float64Array.of(loaded)] }
    },
    upkeep: ({ tile }) => {
      if (tile.id !== 3 || revision > 0) return undefined
      return async () => {
        revision++
      }
    },
  }
  const revisions: number[] = []
  for await (const { lanes } of streamFrames(asyncOf([1, 2, 3, 4, 5].map(frame)), runner, stages, neverAborted)) {
    revisions.push(lanes[0]![0]!)
  }
  expect(log).toEqual([
    ...['encode 1', 'encode 2', 'play 1', 'encode 3', 'play 2', 'decode 1', 'encode 4'],
    // Upkeep has the bench to itself.
    ...['decode 2', 'encode 3', 'encode 4', 'play 3', 'encode 5'],
    ...['play 4', 'decode 3', 'play 5', 'decode 4', 'decode 5'],
  ])
  expect(revisions).toEqual([0, 0, 1, 1, 1])
})
