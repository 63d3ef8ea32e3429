import { readFileSync } from 'node:fs'
import koffi from 'koffi'

const LIBRARY = 'libopenblas.so.0'
const ROW_MAJOR = 101
const NO_TRANSPOSE = 111

type Multiply = (
  a: Float32Array,
  aStride: number,
  b: Float32Array,
  bStride: number,
  c: Float32Array,
  cStride: number,
  rows: number,
  inner: number,
  columns: number,
) => void

export interface OpenBlas {
  /** Version and the processor family that its own code was chosen for. */
  readonly description: string
  /** C [row][cStride] = A [row][aStride] · B [inner][bStride], float32, on the calling thread. */
  readonly multiply: Multiply
}

let found: OpenBlas | 'none' | undefined

/**
 * The OpenBLAS of this machine, or undefined. One thread a caller: our own workers divide the rows.
 *
 * OpenBLAS 0.3.21 takes newer AVX-512 processors for Haswell and is half as fast there; unless OPENBLAS_CORETYPE says
 * otherwise it is told before it is loaded, for the whole process.
 */
export function findOpenBlas(): OpenBlas | undefined {
  found ??= load() ?? 'none'
  return found === 'none' ? undefined : found
}

function load(): OpenBlas | undefined {
  if (process.env['OPENBLAS_CORETYPE'] === undefined && hasAvx512()) process.env['OPENBLAS_CORETYPE'] = 'SkylakeX'
  process.env['OPENBLAS_NUM_THREADS'] ??= '1'
  let library: ReturnType<typeof koffi.load>
  try {
    library = koffi.load(LIBRARY)
  } catch {
    // Not installed is an answer.
    return undefined
  }
  const sgemm = library.func('cblas_sgemm', 'void', [
    ...Array.from({ length: 6 }, () => 'int'),
    'float',
    'const float *',
    'int',
    'const float *',
    'int',
    'float',
    koffi.inout('float *'),
    'int',
  ]) as (...values: (number | Float32Array)[]) => void
  const order = [ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE] as const
  const multiply: Multiply = (a, aStride, b, bStride, c, cStride, rows, inner, columns) =>
    sgemm(...order, rows, columns, inner, 1, a, aStride, b, bStride, 0, c, cStride)
  const textOf = (name: string): string => (library.func(name, 'const char *', []) as () => string)()
  const [, version = ''] = textOf('openblas_get_config').split(' ')
  ;(library.func('openblas_set_num_threads', 'void', ['int']) as (threads: number) => void)(1)
  return {
    description: `OpenBLAS ${version} for ${textOf('openblas_get_corename')}`,
    multiply,
  }
}

function hasAvx512(): boolean {
  try {
    const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(' '))
    return ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl'].every((flag) => flags.has(flag))
  } catch {
    return false
  }
}
