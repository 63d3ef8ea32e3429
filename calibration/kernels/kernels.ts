import type { ChipSweeps, Stop } from './chip-sweeps.ts'
import type { GridPlan, GridSpread } from './grid-spread.ts'
import { ReferenceSweeps } from './reference/chip-sweeps.ts'
import { ReferenceSpread } from './reference/grid-spread.ts'
import { wasmSweeps } from './wasm-chip-sweeps.ts'
import { wasmSpread } from './wasm-grid-spread.ts'
import { calibrationModule } from './wasm-module.ts'

/*
 * The kernels of the calibration in WebAssembly SIMD where they were built, in plain JavaScript elsewhere: the same bits.
 */

export const chipSweeps = (size: number, stops: readonly Stop[]): ChipSweeps =>
  wasmSweeps(size, stops) ?? new ReferenceSweeps(size, stops)

export const gridSpread = (plan: GridPlan): GridSpread => wasmSpread(plan) ?? new ReferenceSpread(plan)

/** Who computes, in words for a run's header. */
export const describeKernels = (): string =>
  `${calibrationModule() === undefined ? 'plain JavaScript' : 'WebAssembly SIMD'}, float64, 1 thread`
