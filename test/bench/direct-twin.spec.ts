import { describe, test } from 'vitest'
import type { LightBench } from '../../core/light-bench.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { compareWays } from '../support/compare-ways.ts'
import type { Words } from '../support/compare-ways.ts'
import { randomAwgrBench } from '../support/random-awgr-bench.ts'
import { randomBench } from '../support/random-bench.ts'

const BENCHES_PER_BATCH = 12

const signal = new AbortController().signal

/** A unitary core has none. */
const readTaps = async (bench: LightBench): Promise<Float64Array | undefined> => {
  const { taps, layout } = bench as MeshBench
  return taps?.monitor.readVoltagesV(taps.firstChannel, layout.size, signal)
}

/** What only a mesh can do. */
const MESH_CALLS: Readonly<Record<string, Words>> = {
  taps: () => readTaps,
  'taps while heaters still move': (random) => {
    const [voltageV, afterMs] = [random.uniform(0, 3), random.uniform(0, 0.05)]
    return async (bench) => {
      await bench.heaters.setVoltagesV(0, new Float64Array(4).fill(voltageV), signal)
      await bench.clock.sleep(afterMs, signal)
      return readTaps(bench)
    }
  },
}

const batches = (count: number): number[] => Array.from({ length: count }, (_, batch) => batch)

describe('the same calls through drivers on pipes and on the direct twin read exactly the same, to the last bit and nanosecond', () => {
  test.each(batches(20))('benches with a mesh, batch %i', async (batch) => {
    for (let bench = 0; bench < BENCHES_PER_BATCH; bench++) {
      await compareWays(batch * BENCHES_PER_BATCH + bench, randomBench, MESH_CALLS)
    }
  })

  test.each(batches(10))('benches with an AWGR, batch %i', async (batch) => {
    for (let bench = 0; bench < BENCHES_PER_BATCH; bench++) {
      await compareWays(batch * BENCHES_PER_BATCH + bench, randomAwgrBench)
    }
  })
})
