import { productRows } from './behavioural-product.ts'
import type { OutputTiles, ProductJob, ProductScratch } from './behavioural-product.ts'
import type { Capture, KernelEngine } from './kernel-engine.ts'
import { propagateSamples } from './mesh-program.ts'
import type { FieldBatch, MeshPass } from './mesh-program.ts'
import { findOpenBlas } from './openblas.ts'

/** C [row][cStride] = A [row][aStride] · B; `b` [inner][columns], and packed for the kernel. */
export interface PlainProduct {
  readonly a: Float32Array
  readonly aStride: number
  readonly b: Float32Array
  readonly packed: Float32Array
  readonly c: Float32Array
  readonly cStride: number
  readonly inner: number
  readonly columns: number
  readonly byOpenBlas: boolean
}

/** What a thread can be asked for. Rows, samples: a part begins at a multiple of eight. Each returns a count. */
export interface KernelTasks {
  product: {
    readonly job: ProductJob
    /** [thread] */
    readonly scratches: readonly ProductScratch[]
    readonly first: number
    readonly rows: number
    /** All of them, when left out. */
    readonly outputs?: OutputTiles
  }
  captureBalanced: Capture
  captureBanks: Capture
  propagate: {
    readonly pass: MeshPass
    readonly fields: Pick<FieldBatch, 're' | 'im' | 'stride'>
    readonly first: number
    readonly samples: number
  }
  multiply: {
    readonly product: PlainProduct
    readonly scratch: Float32Array
    readonly first: number
    readonly rows: number
  }
}

export type KernelTaskName = keyof KernelTasks

type Task<Name extends KernelTaskName> = (engine: KernelEngine, task: KernelTasks[Name], thread: number) => number

const TASKS: { readonly [Name in KernelTaskName]: Task<Name> } = {
  product: (engine, { job, scratches, first, rows, outputs }, thread) =>
    productRows(engine, job, scratches[thread]!, first, rows, outputs),
  captureBalanced: (engine, capture) => engine.captureBalanced(capture),
  captureBanks: (engine, capture) => engine.captureBanks(capture),
  propagate: (engine, { pass, fields, first, samples }) => {
    propagateSamples(engine, pass, fields, first, samples)
    return 0
  },
  multiply: (engine, { product, scratch, first, rows }) => {
    const { a, aStride, b, packed, c, cStride, inner, columns, byOpenBlas } = product
    const [fromA, toC] = [a.subarray(first * aStride), c.subarray(first * cStride)]
    const blas = byOpenBlas ? findOpenBlas() : undefined
    if (blas === undefined) engine.multiply(fromA, aStride, packed, toC, cStride, rows, inner, columns, scratch)
    else blas.multiply(fromA, aStride, b, columns, toC, cStride, rows, inner, columns)
    return 0
  },
}

export function runTask<Name extends KernelTaskName>(
  engine: KernelEngine,
  name: Name,
  task: KernelTasks[Name],
  thread: number,
): number {
  return TASKS[name](engine, task, thread)
}
