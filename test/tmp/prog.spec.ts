import { test } from 'vitest'
import { openDirectBench } from '../support/direct-bench.ts'
import { oracleCalibration } from '../support/oracle.ts'
import { ChipModel } from '../../calibration/model/chip-model.ts'
import { programWeights } from '../../calibration/model/programming.ts'
import { randomOrthogonal } from '../../calibration/steps/verification.ts'
import { RandomStream } from '../../core/random.ts'
test('prog', () => {
  for (const seed of [4]) {
  const { bench, world } = openDirectBench({ seed })
  const o = oracleCalibration(bench, world, ['meter-0','meter-1','meter-2','meter-3'])
  const m = new ChipModel(bench.layout)
  const x = m.crosstalk(o.chip)
  const r = new RandomStream(1,'w')
  for (const kind of ['orth','normal','uniform','id'] as const) {
    const w = kind==='orth'? randomOrthogonal(8, r) : kind==='normal' ? Float64Array.from({length:64},()=>r.normal()) : kind==='uniform' ? Float64Array.from({length:64},()=>r.uniform()) : Float64Array.from({length:64},(_, i)=>i%9===0?1:0)
    const t=performance.now()
    const p = programWeights(m, o.chip, x, w, 9.5)
    console.log(kind, p.modelError.toExponential(2), (performance.now()-t).toFixed(0), Math.max(...p.voltagesV).toFixed(2))
  }}
})
