import { test } from 'vitest'
import { openDirectBench } from '../support/direct-bench.ts'
import { oracleCalibration } from '../../perf/oracle.ts'
import { ChipModel } from '../../calibration/model/chip-model.ts'
import { programWeights } from '../../calibration/model/programming.ts'
import { randomOrthogonal } from '../../calibration/steps/verification.ts'
import { RandomStream } from '../../core/random.ts'
test('prog', () => {
  for (const kind of ['orth','normal','uniform','perm','sparse'] as const) {
  const errs: number[] = []
  let ms=0
  for (const seed of [4,7,11]) {
  const { bench, world } = openDirectBench({ seed })
  const o = oracleCalibration(bench, world, ['meter-0','meter-1','meter-2','meter-3'])
  const m = new ChipModel(bench.layout)
  const x = m.crosstalk(o.chip)
  const r = new RandomStream(1,'w')
  for (let k=0;k<(kind==='normal'||kind==='uniform'?40:15);k++) {
    const w = kind==='orth'? randomOrthogonal(8, r) : kind==='normal' ? Float64Array.from({length:64},()=>r.normal()) : kind==='uniform' ? Float64Array.from({length:64},()=>r.uniform()) : kind==='perm' ? Float64Array.from({length:64},(_, i)=>((i%8)===((Math.floor(i/8)*3+k)%8)?1:0)) : Float64Array.from({length:64},()=>r.uniform()<0.2?r.normal():0)
    const t=performance.now()
    const p = programWeights(m, o.chip, x, w, 9.5)
    ms+=performance.now()-t
    errs.push(p.modelError)
  }}
  errs.sort((a,b)=>a-b)
  console.log('KIND', kind, 'median', errs[errs.length>>1]!.toExponential(1), 'p90', errs[Math.floor(errs.length*.9)]!.toExponential(1), 'max', errs.at(-1)!.toExponential(1), 'n>.01', errs.filter(e=>e>0.01).length, '/', errs.length, 'ms each', (ms/errs.length).toFixed(0))
  }
}, 600000)
