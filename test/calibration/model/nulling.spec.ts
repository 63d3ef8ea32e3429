import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nullUnitary } from '../../../calibration/kernels/reference/nulling.ts'
import { wasmNulling } from '../../../calibration/kernels/wasm-nulling.ts'
import { CALIBRATION_WASM } from '../../../calibration/kernels/wasm-module.ts'
import { clementsPhases } from '../../../calibration/model/clements.ts'
import { RandomStream } from '../../../core/random.ts'
import { haarUnitary, zeros } from '../../support/complex.ts'
import type { Square } from '../../support/complex.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const ASC = join(ROOT, 'node_modules/assemblyscript/bin/asc.js')

/** Many elements are zero from the start, so that interferometers stay unturned. */
function permutation(size: number, step: number): Square {
  const matrix = zeros(size)
  for (let i = 0; i < size; i++) matrix.re[((i + step) % size) * size + i] = i % 3 === 0 ? -1 : 1
  return matrix
}

function expectSameBits(unitary: Square, seed: number): void {
  const signs = Int8Array.from({ length: (unitary.size * (unitary.size - 1)) / 2 }, (_, step) =>
    Math.sin(seed + step) < 0 ? -1 : 1,
  )
  const [ours, reference] = [wasmNulling()!(unitary, signs), nullUnitary(unitary, signs)]
  expect(ours.turns).toEqual(reference.turns)
  expect(ours.diagonal).toEqual(reference.diagonal)
}

describe('the nulling of a unitary in WebAssembly', () => {
  test('agrees with its JavaScript reference bit for bit, on any branches and also after a larger one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 70 }), fc.nat(1e6), (size, seed) =>
        expectSameBits(haarUnitary(size, new RandomStream(seed, 'haar')), seed),
      ),
      { numRuns: 40 },
    )
    for (let size = 2; size < 12; size++) expectSameBits(permutation(size, size >> 1), size)
  })

  test('makes the phases that the reference makes', () => {
    const unitary = haarUnitary(33, new RandomStream(3, 'haar'))
    expect(clementsPhases(unitary, undefined, wasmNulling())).toEqual(clementsPhases(unitary, undefined, nullUnitary))
  })

  test('is what its source compiles to (if not: npm run prepare)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fringe-nulling-'))
    try {
      const outFile = join(folder, 'calibration.wasm')
      const args = [ASC, '--config', 'calibration/kernels/asconfig.json', '--outFile', outFile]
      await promisify(execFile)(process.execPath, args, { cwd: ROOT })
      expect(Buffer.compare(await readFile(CALIBRATION_WASM), await readFile(outFile))).toBe(0)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
