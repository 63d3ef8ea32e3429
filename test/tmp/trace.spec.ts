import { test } from 'vitest'
import { openDirectBench } from '../support/direct-bench.ts'
import { oracleCalibration } from '../../perf/oracle.ts'
import { ChipModel } from '../../calibration/model/chip-model.ts'
import * as P from '../../calibration/model/programming.ts'
import * as L from '../../calibration/fit/least-squares.ts'
import { RandomStream } from '../../core/random.ts'
test('prog', () => {
  const { bench, world } = openDirectBench({ seed: 7 })
  const o = oracleCalibration(bench, world, ['meter-0','meter-1','meter-2','meter-3'])
  const m = new ChipModel(bench.layout)
  const x = m.crosstalk(o.chip)
  for (const kind of ['sparse','perm','uniform','normal']) {
  const r = new RandomStream(1,'w')
  const w = kind==='sparse'? Float64Array.from({length:64},()=>r.uniform()<0.2?r.normal():0) : kind==='perm'? Float64Array.from({length:64},(_, i)=>((i%8)===((Math.floor(i/8)*3)%8)?1:0)) : Float64Array.from({length:64},()=> kind==='uniform'?r.uniform():r.normal())
  for (const opt of [{maxIterations:60,tolerance:1e-4,initialDamping:1e-2,minDamping:1e-4},{maxIterations:60,tolerance:1e-4,initialDamping:1e-1,minDamping:1e-2},{maxIterations:60,tolerance:1e-4,initialDamping:1e-3,minDamping:1e-6}]) {
    ;(globalThis as any).POLISH = opt; (globalThis as any).TRACE = []
    const t=performance.now()
    const p = P.programWeights(m, o.chip, x, w, 9.5)
    console.log('TR', kind, JSON.stringify(opt), p.modelError.toExponential(2), (performance.now()-t).toFixed(0), (globalThis as any).TRACE.map((s: number)=>Math.sqrt(s).toExponential(1)).join(' '))
  }}
}, 600000)
