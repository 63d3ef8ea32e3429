import { test } from 'vitest'
import { fitSharedFringe } from '../../calibration/fit/fringe.ts'
import { RandomStream } from '../../core/random.ts'
test('z', () => {
  const r = new RandomStream(1, 'z')
  for (const [points, channels, turns] of [[7, 16, 1.4], [7,64,1.4], [9, 34, 1.4], [43, 16, 0.58], [30,1,2]] as const) {
    const x = Float64Array.from({ length: points }, (_, i) => i / (points - 1))
    const k = 2 * Math.PI * turns
    const zs: number[] = []
    let resid = 0
    for (let t = 0; t < 300; t++) {
      const amp = Array.from({ length: channels }, () => [r.normal(), r.normal(), r.normal()] as const)
      const ys = amp.map(([m, c, s]) => x.map((v) => m + c * Math.cos(k * v) + s * Math.sin(k * v) + r.normal(0, 0.02)))
      const f = fitSharedFringe(x, ys, { min: Math.PI, max: 6 * Math.PI })
      zs.push((f.radPerX - k) / f.radPerXSigma); resid += f.rmsResidual
    }
    console.log(points, channels, turns, 'std z', Math.sqrt(zs.reduce((a, b) => a + b * b, 0) / zs.length), 'mean', zs.reduce((a,b)=>a+b,0)/zs.length)
  }
})
