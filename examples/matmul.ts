/** Two matrices multiplied on the twin of the default bench, from a program. */
import { openBench } from 'fringe'

await using bench = await openBench('examples/mesh-8x8.yaml', { sim: 'direct', seed: 7, journal: 'lab.db' })

const a = { shape: [4, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) }
const b = { shape: [3, 2], data: [0.5, -1, 2, 0.25, -0.75, 1] }
const { product, effectiveBits, energy, run } = await bench.matmul(a, b)

console.log('C =', product)
console.log(`${effectiveBits?.toFixed(2)} effective bits; run ${run}`)
for (const { boundary, femtojoulePerMac } of energy.boundaries) {
  console.log(`${boundary}: ${femtojoulePerMac.toPrecision(3)} fJ a multiply-accumulate`)
}
