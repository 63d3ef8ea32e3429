import { test } from 'vitest'
import { readBenchFile } from '../../bench/bench-file.ts'
import { startTwin } from '../../bench/connect-twin.ts'
import { openMeshBench } from '../../bench/open-bench.ts'
import { VirtualClock } from '../../core/clock.ts'
import { calibrationPlan } from '../../calibration/calibrate.ts'
import { MeshCore } from '../../calibration/mesh-core.ts'
import { matmulPlan } from '../../orchestrator/jobs/matmul-plan.ts'
import { RandomStream } from '../../core/random.ts'
import { inspect } from 'node:util'
test('wire', async () => {
  const file = await readBenchFile('examples/mesh-8x8.yaml')
  const clock = new VirtualClock()
  const { signal } = new AbortController()
  const t0 = performance.now()
  const T = () => ((performance.now()-t0)/1e3).toFixed(1)
  const twin = await startTwin(file, { seed: 7, clock, mode: (process.env['MODE'] ?? 'pipe') as 'pipe' })
  let open
  try { open = await openMeshBench(file, { connect: twin.connect, clock, signal }) } catch (e) { console.log(inspect(e, {depth: 3})); throw e }
  console.log('T open', T())
  const run = async (plan: any) => { for (;;) { const { done, value } = await plan.next(); if (done) return value; await value.work(signal, () => undefined); console.log('T', value.name, T(), 'virtual', (clock.monotonicNs()/1e9).toFixed(2)) } }
  try {
  const { calibration, vectors } = await run(calibrationPlan(open.bench))
  console.log('T cal', JSON.stringify(calibration.fit), JSON.stringify(calibration.verification), vectors)
  const r = new RandomStream(1,'m'); const g = () => ({ rows: 64, columns: 64, data: Float64Array.from({length:4096}, () => r.normal()) })
  const log = { step: () => 0, ready: async () => undefined, frame: () => undefined, sample: (s: unknown) => console.log('T', JSON.stringify(s)) }
  const out = await run(matmulPlan(open.bench, { a: g(), b: g(), log, core: (b, f, h) => new MeshCore(b, calibration, f, h) }))
  console.log('T bits', out.effectiveBits, JSON.stringify(out.energy.boundaries), out.energy.benchSeconds)
  } catch (e) { console.log('T ERR', inspect(e, {depth: 4})) }
  console.log('T safe', JSON.stringify((await open.close()).verified), T())
  await twin[Symbol.asyncDispose]()
}, 6e5)
