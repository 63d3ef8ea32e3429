import { describe, expect, test } from 'vitest'
import { fastestEngine } from '../../../bench/product-twin.ts'
import { clementsPlaces } from '../../../core/mesh-layout.ts'
import { KernelPool, partsOf } from '../../../sim/kernels/kernel-pool.ts'
import { Kernels } from '../../../sim/kernels/kernels.ts'
import type { EngineName } from '../../../sim/kernels/kernels.ts'
import { FieldBatch, MeshProgram } from '../../../sim/kernels/mesh-program.ts'
import { plainProduct } from '../../../sim/kernels/plain-product.ts'
import { productRows, productScratch } from '../../../sim/kernels/behavioural-product.ts'
import { behaviouralProduct } from '../../../sim/kernels/product-on-pool.ts'
import { filled, smallProduct } from '../../support/kernels.ts'

const { signal } = new AbortController()
const [ROWS, INNER, COLUMNS] = [45, 33, 20]

async function product(engineName: EngineName, threads: number): Promise<Float32Array> {
  const kernels = new Kernels(engineName)
  await using pool = new KernelPool(kernels, threads)
  const a = filled(kernels.memory.float32(ROWS * INNER), 1)
  const b = filled(kernels.memory.float32(INNER * COLUMNS), 2)
  return (await plainProduct(kernels, pool, a, b, ROWS, INNER, COLUMNS, signal)).slice()
}

function meshAndLight(kernels: Kernels): { program: MeshProgram; fields: FieldBatch } {
  const places = clementsPlaces(16)
  const program = new MeshProgram(
    kernels,
    16,
    places,
    places.map((_, k) => ({ alphaRad: 0.01 * k, betaRad: 0, fieldRatio: 1 })),
  )
  const phases = filled(new Float64Array(places.length), 3, 3)
  program.setPhases(phases, phases)
  const fields = new FieldBatch(kernels, 16, 101)
  filled(fields.re, 4)
  filled(fields.im, 5)
  return { program, fields }
}

describe('a pool of kernel threads', () => {
  test('multiplies to the same bits on one thread, on three, and in plain JavaScript', async () => {
    const one = await product('wasm', 1)
    expect(await product('wasm', 3)).toEqual(one)
    expect(await product('javascript', 2)).toEqual(one)
    expect(one[0]).not.toBe(0)
  })

  test('sends light through a mesh to the same bits as this thread', async () => {
    const [here, there] = [new Kernels('wasm'), new Kernels('wasm')]
    const alone = meshAndLight(here)
    alone.program.propagate(alone.fields)
    await using pool = new KernelPool(there, 2)
    const { program, fields } = meshAndLight(there)
    const parts = partsOf(fields.samples, 2).map(({ first, rows }) => ({
      pass: program.pass,
      fields,
      first,
      samples: rows,
    }))
    await pool.run('propagate', parts, signal)
    expect(fields.re).toEqual(alone.fields.re)
    expect(fields.im).toEqual(alone.fields.im)
  })

  test('computes a behavioural product to the same bits as this thread', async () => {
    const here = new Kernels('wasm')
    const { job: alone } = smallProduct(here)
    productRows(here.engine, alone, productScratch(here.memory, alone), 0, alone.rows)
    const there = new Kernels('wasm')
    await using pool = new KernelPool(there, 2)
    const { job } = smallProduct(there)
    const before = there.memory.usedBytes
    expect(await behaviouralProduct(there, pool, job, signal)).toBe(0)
    expect(job.sums).toEqual(alone.sums)
    expect(there.memory.usedBytes).toBe(before)
  })

  test('drops what waits when it is aborted, ends what runs, and works on', async () => {
    const kernels = new Kernels('wasm')
    await using pool = new KernelPool(kernels, 1)
    const { program, fields } = meshAndLight(kernels)
    const part = { pass: program.pass, fields, first: 0, samples: fields.samples }
    const before = fields.re.slice()
    const caller = new AbortController()
    const reason = new Error('enough')
    const run = pool.run('propagate', [part, part, part], caller.signal)
    caller.abort(reason)
    await expect(run).rejects.toBe(reason)
    // The first had begun, the others never do: one pass, and no second one while the next call runs.
    const once = meshAndLight(new Kernels('wasm'))
    once.program.propagate(once.fields)
    expect(before).not.toEqual(fields.re)
    expect(fields.re).toEqual(once.fields.re)
    await pool.run('propagate', [part], signal)
    once.program.propagate(once.fields)
    expect(fields.re).toEqual(once.fields.re)
  })

  test('can be closed as soon as it is opened, whatever its threads are loading', async () => {
    const kernels = new Kernels(fastestEngine())
    const [a, b] = [kernels.memory.float32(ROWS * INNER), kernels.memory.float32(INNER * COLUMNS)]
    for (let round = 0; round < 5; round++) {
      const pool = new KernelPool(kernels, 2)
      await pool[Symbol.asyncDispose]()
      const late = plainProduct(kernels, pool, a, b, ROWS, INNER, COLUMNS, signal)
      await expect(late).rejects.toMatchObject({ code: 'CALL_INVALID' })
    }
  })

  test('refuses a call that is already aborted without starting anything', async () => {
    const kernels = new Kernels('wasm')
    await using pool = new KernelPool(kernels, 1)
    const { program, fields } = meshAndLight(kernels)
    const before = fields.re.slice()
    const part = { pass: program.pass, fields, first: 0, samples: 101 }
    await expect(pool.run('propagate', [part], AbortSignal.abort(new Error('no')))).rejects.toThrow('no')
    expect(fields.re).toEqual(before)
  })

  test('fails what waits and what comes when it is closed', async () => {
    const kernels = new Kernels('wasm')
    const { program, fields } = meshAndLight(kernels)
    const part = { pass: program.pass, fields, first: 0, samples: 101 }
    const pool = new KernelPool(kernels, 1)
    const waiting = pool.run('propagate', [part, part, part, part], signal)
    waiting.catch(() => undefined)
    await pool[Symbol.asyncDispose]()
    await expect(waiting).rejects.toMatchObject({ code: 'CALL_INVALID' })
    await expect(pool.run('propagate', [part], signal)).rejects.toMatchObject({ code: 'CALL_INVALID' })
    await pool[Symbol.asyncDispose]()
  })

  test('an array outside the shared memory is refused by name of the cause', async () => {
    const kernels = new Kernels('wasm')
    await using pool = new KernelPool(kernels, 1)
    const { program, fields } = meshAndLight(kernels)
    const part = {
      pass: program.pass,
      fields: { re: new Float32Array(16 * 104), im: fields.im, stride: fields.stride },
      first: 0,
      samples: 101,
    }
    await expect(pool.run('propagate', [part], signal)).rejects.toThrow(/outside the shared memory/)
  })
})

describe('parts of rows', () => {
  test.each([
    [100, 2, [56, 44]],
    [8, 4, [8]],
    [17, 2, [16, 1]],
    [0, 2, []],
  ])('%i rows for %i threads begin at multiples of eight and leave none out', (rows, count, expected) => {
    const parts = partsOf(rows, count)
    expect(parts.map(({ rows }) => rows)).toEqual(expected)
    expect(parts.every(({ first }) => first % 8 === 0)).toBe(true)
  })
})
